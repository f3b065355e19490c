// SPDX-License-Identifier: Apache-2.0
#include "user/image/tree.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "tests/check.h"
#include "user/base/fs.h"

TEST(names_are_cleaned_without_looking_at_files)
{
	static const struct {
		const char *what, *name, *want; /* want NULL: it leads out */
	} cases[] = {
		{"a plain name", "a/b", "a/b"},
		{"the root", "./", ""},
		{"nothing", "", ""},
		{"a leading dot", "./a", "a"},
		{"an absolute name", "/etc/passwd", "etc/passwd"},
		{"many slashes", "//a///b//", "a/b"},
		{"dots inside", "a/./b", "a/b"},
		{"up and down", "a/../b/c/..", "b"},
		{"up to the root", "a/..", ""},
		{"dots that are names", "a/.../..b", "a/.../..b"},
		{"above the root", "..", NULL},
		{"above the root later", "a/../../a", NULL},
		{"above the root from an absolute name", "/..", NULL},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char path[PATH_MAX] = "";
		struct err err = {0};
		int r = tree_clean(cases[i].name, path, &err);

		if (cases[i].want && CHECK_OK(cases[i].what, r, &err))
			CHECK_STR(cases[i].what, path, cases[i].want);
		if (!cases[i].want)
			CHECK_FAILS(cases[i].what, r, EINVAL, &err, "leads out of the image");
	}
}

TEST(depth_is_limited)
{
	char deep[2 * 251 + 1] = "", path[PATH_MAX];
	struct err err = {0};

	for (size_t i = 0; i < sizeof(deep) - 1; i += 2)
		memcpy(deep + i, "d/", 2);
	CHECK_FAILS("251 levels", tree_clean(deep, path, &err), ENAMETOOLONG, &err, "d/d/d");
	deep[2 * 250] = '\0';
	CHECK_OK("250 levels", tree_clean(deep, path, &err), &err);
}

TEST(links_cannot_make_it_deeper)
{
	char dir[] = "/tmp/imagetree-test.XXXXXX", half[2 * 130] = "", path[PATH_MAX];
	uint64_t files = 1000;
	struct tree tree = {.files_left = &files};
	struct err err = {0};
	int fd = -1;

	if (!mkdtemp(dir) || (tree.root_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		BAIL("mkdtemp");
	for (size_t i = 0; i < sizeof(half) - 2; i += 2)
		memcpy(half + i, "d/", 2);
	half[sizeof(half) - 3] = '\0';
	if (symlinkat(half, tree.root_fd, "l") < 0)
		BAIL("symlinkat");
	snprintf(path, sizeof(path), "l/%s", half);
	CHECK_FAILS("129 levels behind a link to 129", tree_open_dir(&tree, path, &fd, &err),
		ENAMETOOLONG, &err, "d");
	CHECK_EQ("what was made is counted", files, 1000 - 250);
	close(tree.root_fd);
	CHECK_OK("and can be removed", fs_remove(dir, &err), &err);
}
