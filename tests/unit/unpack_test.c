// SPDX-License-Identifier: Apache-2.0
#include "user/image/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <locale.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "tests/check.h"
#include "user/base/fs.h"
#include "user/image/stream.h"

/* One entry of a tar under construction. */
struct member {
	mode_t type;	  /* S_IFMT bits; 0 ends a list */
	const char *name; /* as it stands in the tar */
	const char *link; /* target of a symbolic link, or of a hard link when type is S_IFREG */
	const char *data;
	mode_t mode; /* 0: 0644 or 0755 */
	long long uid;
	int major, minor;
};

#define A_FILE(n, d)                                      \
	{                                                 \
		.type = S_IFREG, .name = (n), .data = (d) \
	}
#define A_DIR(n)                             \
	{                                    \
		.type = S_IFDIR, .name = (n) \
	}
#define A_LINK(n, to)                                      \
	{                                                  \
		.type = S_IFLNK, .name = (n), .link = (to) \
	}
#define A_HARD_LINK(n, to)                                 \
	{                                                  \
		.type = S_IFREG, .name = (n), .link = (to) \
	}
#define A_DEVICE(n, ma, mi)                                                \
	{                                                                  \
		.type = S_IFCHR, .name = (n), .major = (ma), .minor = (mi) \
	}

static void member_write(struct archive *tar, const struct member *member)
{
	struct archive_entry *entry = archive_entry_new();
	size_t len = member->data ? strlen(member->data) : 0;

	archive_entry_set_pathname(entry, member->name);
	archive_entry_set_filetype(entry, member->type);
	archive_entry_set_perm(
		entry, member->mode ? member->mode : (S_ISDIR(member->type) ? 0755 : 0644));
	archive_entry_set_uid(entry, member->uid);
	archive_entry_set_mtime(entry, 1000000000, 5);
	if (S_ISLNK(member->type))
		archive_entry_set_symlink(entry, member->link);
	else if (member->link)
		archive_entry_set_hardlink(entry, member->link);
	archive_entry_set_rdevmajor(entry, (dev_t)member->major);
	archive_entry_set_rdevminor(entry, (dev_t)member->minor);
	archive_entry_set_size(entry, (la_int64_t)len);
	if (archive_write_header(tar, entry) != ARCHIVE_OK ||
		(len && archive_write_data(tar, member->data, len) != (la_ssize_t)len))
		BAIL(archive_error_string(tar));
	archive_entry_free(entry);
}

/* A memfd with the tar of the members; reading starts at its beginning. */
static int tar_make(const struct member *members)
{
	int fd = memfd_create("layer", MFD_CLOEXEC);
	struct archive *tar = archive_write_new();

	/* The writer needs a locale to write UTF-8; the reader must not. */
	setlocale(LC_CTYPE, "C.UTF-8");
	archive_write_set_format_pax(tar);
	archive_write_set_bytes_in_last_block(tar, 1);
	if (fd < 0 || archive_write_open_fd(tar, fd) != ARCHIVE_OK)
		BAIL("cannot make a tar");
	for (; members->type; members++)
		member_write(tar, members);
	if (archive_write_free(tar) != ARCHIVE_OK || lseek(fd, 0, SEEK_SET) != 0)
		BAIL("cannot make a tar");
	setlocale(LC_CTYPE, "C");
	return fd;
}

/* Where a layer goes: BASE/a/fs, so that ".." has somewhere to go that the test can see. */
struct place {
	char base[64];
	int fd;
};

static void place_open(struct place *place)
{
	char path[128];

	strcpy(place->base, "/tmp/unpack-test.XXXXXX");
	if (!mkdtemp(place->base))
		BAIL("mkdtemp");
	snprintf(path, sizeof(path), "%s/a", place->base);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/a/fs", place->base);
	mkdir(path, 0755);
	place->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place->fd < 0)
		BAIL("open the layer's directory");
}

static void place_close(struct place *place)
{
	struct err err;

	cleanup_fd(&place->fd);
	if (fs_remove(place->base, &err) < 0)
		BAIL(err.text);
}

#define AUTO_PLACE AUTO_CLEANUP(place_close) struct place

static const struct unpack_budget roomy = {.bytes = 1 << 20, .files = 1000};

static int unpack_fd(
	struct place *place, int blob, struct unpack_budget budget, char *diff_id, struct err *err)
{
	char digest[DIGEST_SIZE];
	struct stream *stream;
	int r;

	r = stream_open(&(struct stream_source){.fd = blob, .size = 1 << 20, .max_plain = 1 << 20},
		&stream, err);
	if (r < 0)
		return r;
	r = unpack_layer(stream, place->fd, &budget, err);
	if (r == 0)
		r = stream_finish(stream, digest, diff_id, err);
	stream_free(stream);
	return r;
}

static int unpack(struct place *place, const struct member *members, struct err *err)
{
	char diff_id[DIGEST_SIZE];
	AUTO_FD blob = tar_make(members);

	return unpack_fd(place, blob, roomy, diff_id, err);
}

static mode_t mode_of(const struct place *place, const char *name)
{
	struct stat st;

	return fstatat(place->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_mode : 0;
}

static bool is_whiteout(const struct place *place, const char *name)
{
	struct stat st;

	return fstatat(place->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(0, 0);
}

static bool is_opaque(const struct place *place, const char *name)
{
	AUTO_FD fd = openat(place->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char value = 0;

	return fd >= 0 && fgetxattr(fd, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
}

static const char *content_of(const struct place *place, const char *name)
{
	static char content[64];
	AUTO_FD fd = openat(place->fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, content, sizeof(content) - 1);

	content[n < 0 ? 0 : n] = '\0';
	return n < 0 ? "(missing)" : content;
}

TEST(owner_mode_time_and_links_are_kept)
{
	static const struct member members[] = {
		{.type = S_IFDIR, .name = "d", .mode = 02750, .uid = 12},
		{.type = S_IFREG, .name = "d/su", .mode = 04755, .uid = 34, .data = "x"},
		A_HARD_LINK("d/same", "d/su"),
		{.type = S_IFLNK, .name = "dangling", .link = "../../nowhere", .uid = 56},
		{.type = S_IFIFO, .name = "fifo", .mode = 0600},
		A_DEVICE("null", 1, 3),
		{0},
	};
	AUTO_PLACE place;
	struct stat st, other;
	struct err err;

	place_open(&place);
	if (!CHECK_OK("it is unpacked", unpack(&place, members, &err), &err))
		return;
	CHECK_EQ("setuid stays although the owner was set", mode_of(&place, "d/su"),
		S_IFREG | 04755);
	fstatat(place.fd, "d/su", &st, 0);
	fstatat(place.fd, "d/same", &other, 0);
	CHECK_EQ("a file's owner", st.st_uid, 34);
	CHECK_EQ("a file's time", st.st_mtim.tv_sec, 1000000000);
	CHECK_EQ("to the nanosecond", st.st_mtim.tv_nsec, 5);
	CHECK_EQ("a hard link is the same file", st.st_ino, other.st_ino);
	fstatat(place.fd, "d", &st, 0);
	CHECK_EQ("a directory's mode", st.st_mode, S_IFDIR | 02750);
	CHECK_EQ("a directory's owner", st.st_uid, 12);
	CHECK_EQ("a directory's time, although it was filled later", st.st_mtim.tv_sec, 1000000000);
	fstatat(place.fd, "dangling", &st, AT_SYMLINK_NOFOLLOW);
	CHECK_EQ("a link's owner", st.st_uid, 56);
	CHECK_EQ("a fifo", mode_of(&place, "fifo"), S_IFIFO | 0600);
	fstatat(place.fd, "null", &st, 0);
	CHECK_EQ("a device", st.st_rdev, makedev(1, 3));
}

TEST(the_root_itself_can_be_described)
{
	static const struct member members[] = {
		{.type = S_IFDIR, .name = "./", .mode = 0711, .uid = 7}, A_FILE("./f", "x"), {0}};
	AUTO_PLACE place;
	struct stat st;
	struct err err;

	place_open(&place);
	if (!CHECK_OK("it is unpacked", unpack(&place, members, &err), &err))
		return;
	fstat(place.fd, &st);
	CHECK_EQ("its mode", st.st_mode, S_IFDIR | 0711);
	CHECK_EQ("its owner", st.st_uid, 7);
	CHECK_EQ("its time", st.st_mtim.tv_sec, 1000000000);
	CHECK_STR("what is in it", content_of(&place, "f"), "x");
}

TEST(names_are_bytes)
{
	static const struct member members[] = {
		A_FILE("Főtanúsítvány", "x"), A_FILE("a b\\c", "y"), {0}};
	AUTO_PLACE place;
	struct err err;

	place_open(&place);
	if (!CHECK_OK("it is unpacked", unpack(&place, members, &err), &err))
		return;
	CHECK_STR("beyond ASCII", content_of(&place, "Főtanúsítvány"), "x");
	CHECK_STR("with odd characters", content_of(&place, "a b\\c"), "y");
}

TEST(attributes_are_kept_unless_they_would_steer_the_overlay)
{
	static const char capability[] = "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	int fd = memfd_create("layer", MFD_CLOEXEC);
	struct archive *tar = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	char diff_id[DIGEST_SIZE], value[64];
	AUTO_FD blob = fd, file = -1;
	AUTO_PLACE place;
	struct err err;

	archive_write_set_format_pax(tar);
	archive_write_open_fd(tar, fd);
	archive_entry_set_pathname(entry, "ping");
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0755);
	archive_entry_xattr_add_entry(entry, "security.capability", capability, 20);
	archive_entry_xattr_add_entry(entry, "user.note", "n", 1);
	archive_entry_xattr_add_entry(entry, "trusted.overlay.redirect", "/etc", 4);
	archive_entry_xattr_add_entry(entry, "user.overlay.opaque", "y", 1);
	archive_write_header(tar, entry);
	archive_entry_free(entry);
	archive_write_free(tar);
	lseek(fd, 0, SEEK_SET);
	place_open(&place);
	if (!CHECK_OK("it is unpacked", unpack_fd(&place, blob, roomy, diff_id, &err), &err))
		return;
	file = openat(place.fd, "ping", O_RDONLY | O_CLOEXEC);
	CHECK_EQ("capabilities", fgetxattr(file, "security.capability", value, sizeof(value)), 20);
	CHECK("bit for bit", memcmp(value, capability, 20) == 0);
	CHECK_EQ("a user attribute", fgetxattr(file, "user.note", value, sizeof(value)), 1);
	CHECK_EQ("none of overlayfs", fgetxattr(file, "trusted.overlay.redirect", NULL, 0), -1);
	CHECK_EQ("in neither form", fgetxattr(file, "user.overlay.opaque", NULL, 0), -1);
}

TEST(whiteouts_take_the_form_of_overlayfs)
{
	static const struct member members[] = {
		A_FILE("etc/.wh.gone", ""),	/* hides a file of a lower layer */
		A_FILE("opt/.wh..wh..opq", ""), /* hides all that lower layers have in opt */
		A_FILE("opt/new", "new"),	/* but not what comes with this one */
		A_FILE(".wh.dir", ""),
		A_DIR("dir"), /* a directory replaced by a new one */
		A_FILE("dir/f", "f"),
		A_FILE(".wh.tree", ""),
		A_FILE("tree/f", "f"), /* the same, the directory being implied */
		A_DIR("late"),
		A_FILE(".wh.late", ""), /* the same, the other way round */
		A_FILE("kept", "k"),
		A_FILE(".wh.kept", ""), /* what the layer has hides the lower anyway */
		A_FILE(".wh.file", ""),
		A_FILE("file", "2"),
		{0},
	};
	AUTO_PLACE place;
	struct err err;

	place_open(&place);
	if (!CHECK_OK("it is unpacked", unpack(&place, members, &err), &err))
		return;
	CHECK("a whiteout", is_whiteout(&place, "etc/gone"));
	CHECK("an opaque directory", is_opaque(&place, "opt"));
	CHECK_STR("with its own content", content_of(&place, "opt/new"), "new");
	CHECK("a replaced directory", is_opaque(&place, "dir"));
	CHECK_STR("its content", content_of(&place, "dir/f"), "f");
	CHECK("an implied directory", is_opaque(&place, "tree"));
	CHECK("a whiteout after the directory", is_opaque(&place, "late"));
	CHECK_STR("a whiteout after the file", content_of(&place, "kept"), "k");
	CHECK_STR("a file after its whiteout", content_of(&place, "file"), "2");
	CHECK("others are not opaque", !is_opaque(&place, "etc"));
}

TEST(links_are_followed_inside_the_layer)
{
	static const struct member members[] = {
		A_DIR("usr"),
		A_DIR("usr/lib"),
		A_LINK("lib", "usr/lib"),
		A_FILE("lib/a", "a"),
		A_LINK("abs", "/usr/lib"),
		A_FILE("abs/b", "b"),
		A_DIR("x"),
		A_LINK("x/up", "../usr"),
		A_FILE("x/up/lib/c", "c"),
		A_LINK("far", "/not/there/yet"),
		A_FILE("far/d", "d"),
		A_FILE("/usr/e", "e"),
		A_FILE("usr/../usr/f", "f"),
		A_HARD_LINK("usr/g", "/lib/a"),
		{0},
	};
	AUTO_PLACE place;
	struct err err;

	place_open(&place);
	if (!CHECK_OK("it is unpacked", unpack(&place, members, &err), &err))
		return;
	CHECK_STR("a relative link", content_of(&place, "usr/lib/a"), "a");
	CHECK_STR("an absolute link starts at the layer's root", content_of(&place, "usr/lib/b"),
		"b");
	CHECK_STR("a link with ..", content_of(&place, "usr/lib/c"), "c");
	CHECK_STR("what a link names is made", content_of(&place, "not/there/yet/d"), "d");
	CHECK_STR("an absolute name starts at the layer's root", content_of(&place, "usr/e"), "e");
	CHECK_STR(".. inside the layer", content_of(&place, "usr/f"), "f");
	CHECK_STR("a hard link through a link", content_of(&place, "usr/g"), "a");
	CHECK_EQ("links stay links", mode_of(&place, "lib") & S_IFMT, S_IFLNK);
}

TEST(a_later_entry_replaces_an_earlier_one)
{
	static const struct member members[] = {
		A_FILE("f", "old"),
		A_FILE("f", "new"),
		A_DIR("d"),
		A_FILE("d/x", "x"),
		A_FILE("d", "file"),
		A_LINK("l", "/etc/passwd"),
		A_FILE("l", "mine"),
		A_FILE("e", "e"),
		A_DIR("e"),
		A_LINK("m", "/etc"),
		A_DIR("m"),
		A_DIR("k"),
		A_FILE("k/x", "x"),
		{.type = S_IFDIR, .name = "k", .mode = 0700},
		{0},
	};
	AUTO_PLACE place;
	struct err err;

	place_open(&place);
	if (!CHECK_OK("it is unpacked", unpack(&place, members, &err), &err))
		return;
	CHECK_STR("a file", content_of(&place, "f"), "new");
	CHECK_STR("a directory by a file", content_of(&place, "d"), "file");
	CHECK_EQ("a link by a file", mode_of(&place, "l"), S_IFREG | 0644);
	CHECK_EQ("a file by a directory", mode_of(&place, "e"), S_IFDIR | 0755);
	CHECK_EQ("a link by a directory", mode_of(&place, "m"), S_IFDIR | 0755);
	CHECK_EQ("a directory changes its mode", mode_of(&place, "k"), S_IFDIR | 0700);
	CHECK_STR("and keeps its content", content_of(&place, "k/x"), "x");
}

TEST(hostile_entries_are_refused_and_nothing_gets_out)
{
	static const struct {
		const char *what;
		struct member members[4];
		int code;
		const char *part;
	} cases[] = {
		{"a name that climbs", {A_FILE("../escaped", "x")}, EINVAL,
			"leads out of the image"},
		{"one that climbs later", {A_FILE("a/../../../escaped", "x")}, EINVAL,
			"leads out of the image"},
		{"an absolute one that climbs", {A_FILE("/../escaped", "x")}, EINVAL,
			"leads out of the image"},
		{"below a link that climbs", {A_LINK("l", ".."), A_FILE("l/escaped", "x")}, EINVAL,
			"a link below it leads out"},
		{"below a link that climbs far",
			{A_LINK("l", "../../../../../../tmp"), A_FILE("l/escaped", "x")}, EINVAL,
			"a link below it leads out"},
		{"below a link to a link that climbs",
			{A_LINK("a", "b/.."), A_LINK("b", "../.."), A_FILE("a/escaped", "x")},
			EINVAL, "a link below it leads out"},
		{"a directory below such a link", {A_LINK("l", "../.."), A_DIR("l/escaped")},
			EINVAL, "a link below it leads out"},
		{"a whiteout below such a link", {A_LINK("l", "../.."), A_FILE("l/.wh.a", "")},
			EINVAL, "a link below it leads out"},
		{"below a loop", {A_LINK("a", "b"), A_LINK("b", "a"), A_FILE("a/x", "x")}, ELOOP,
			"Too many levels"},
		{"a hard link that climbs", {A_HARD_LINK("h", "../../escaped")}, EINVAL,
			"leads out of the image"},
		{"a hard link through a link that climbs",
			{A_LINK("l", "../.."), A_HARD_LINK("h", "l/a")}, EINVAL,
			"leads out of the image"},
		{"a hard link to nothing", {A_HARD_LINK("h", "etc/none")}, ENOENT, "hard link 'h'"},
		{"a hard link to itself", {A_FILE("h", "x"), A_HARD_LINK("h", "./h")}, EINVAL,
			"to itself"},
		{"below a file", {A_FILE("f", "x"), A_FILE("f/g", "x")}, ENOTDIR, "f"},
		{"a whiteout of nothing", {A_FILE("d/.wh.", "")}, EINVAL, "unknown whiteout"},
		{"a whiteout of the directory", {A_FILE("d/.wh..", "")}, EINVAL,
			"unknown whiteout"},
		{"a whiteout of its parent", {A_FILE("d/.wh...", "")}, EINVAL, "unknown whiteout"},
		{"a whiteout of another file system", {A_FILE(".wh..wh.plnk", "")}, EINVAL,
			"unknown whiteout"},
		{"a whiteout as a device", {A_DEVICE("w", 0, 0)}, EINVAL, "no image has"},
		{"a file as the root", {A_FILE(".", "x")}, EINVAL, "the root of a layer"},
		{"an owner that is none", {{.type = S_IFREG, .name = "f", .uid = 0xffffffff}},
			EINVAL, "impossible owner"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_PLACE place;
		struct err err = {0};
		char escaped[128];

		place_open(&place);
		CHECK_FAILS(cases[i].what, unpack(&place, cases[i].members, &err), cases[i].code,
			&err, cases[i].part);
		snprintf(escaped, sizeof(escaped), "%s/escaped", place.base);
		CHECK(cases[i].what, access(escaped, F_OK) < 0);
		snprintf(escaped, sizeof(escaped), "%s/a/escaped", place.base);
		CHECK(cases[i].what, access(escaped, F_OK) < 0);
		CHECK(cases[i].what, access("/tmp/escaped", F_OK) < 0);
	}
}

TEST(times_of_a_directory_that_became_a_link_go_nowhere_else)
{
	static const struct member members[] = {
		A_DIR("d"), A_DIR("d/victim"), A_LINK("d", "../.."), {0}};
	AUTO_PLACE place;
	char victim[128];
	struct stat st;
	struct err err;

	place_open(&place);
	snprintf(victim, sizeof(victim), "%s/victim", place.base);
	mkdir(victim, 0755);
	if (!CHECK_OK("it is unpacked", unpack(&place, members, &err), &err))
		return;
	stat(victim, &st);
	CHECK("a directory outside keeps its time", st.st_mtim.tv_sec != 1000000000);
}

TEST(limits_hold)
{
	static const struct member members[] = {
		A_DIR("d"), A_FILE("d/f", "0123456789"), A_FILE("d/g", "0123456789"), {0}};
	static const struct {
		const char *what;
		struct unpack_budget budget;
		int code; /* 0: it fits */
		const char *part;
	} cases[] = {
		{"all fits", {20, 3}, 0, NULL},
		{"one byte too many", {19, 3}, EFBIG, "larger than the limit"},
		{"one file too many", {20, 2}, EFBIG, "more files than the limit"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_FD blob = tar_make(members);
		char diff_id[DIGEST_SIZE];
		AUTO_PLACE place;
		struct err err = {0};
		int r;

		place_open(&place);
		r = unpack_fd(&place, blob, cases[i].budget, diff_id, &err);
		if (cases[i].code)
			CHECK_FAILS(cases[i].what, r, cases[i].code, &err, cases[i].part);
		else
			CHECK_OK(cases[i].what, r, &err);
	}
}

/* A bare ustar header: what libarchive's writer would not write. */
static void header_make(char header[512], const char *name, unsigned long long size, char type)
{
	unsigned sum = 0;

	memset(header, 0, 512);
	strcpy(header, name);
	sprintf(header + 100, "0000644");
	sprintf(header + 108, "0000000");
	sprintf(header + 116, "0000000");
	sprintf(header + 124, "%011llo", size);
	sprintf(header + 136, "%011o", 0);
	header[156] = type;
	memcpy(header + 257,
		"ustar\0"
		"00",
		8);
	memset(header + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)header[i];
	sprintf(header + 148, "%06o", sum);
}

TEST(a_file_that_claims_to_be_huge_is_refused_before_it_is_written)
{
	AUTO_FD blob = memfd_create("layer", MFD_CLOEXEC);
	char diff_id[DIGEST_SIZE], header[512];
	AUTO_PLACE place;
	struct err err = {0};

	header_make(header, "huge", 077777777777ULL, '0');
	if (write(blob, header, sizeof(header)) != sizeof(header) || lseek(blob, 0, SEEK_SET) != 0)
		BAIL("cannot make a tar");
	place_open(&place);
	CHECK_FAILS("8 GiB", unpack_fd(&place, blob, roomy, diff_id, &err), EFBIG, &err,
		"'huge' makes the image larger than the limit");
}

TEST(what_is_no_whole_tar_is_refused)
{
	static const struct member members[] = {A_FILE("f", "0123456789"), {0}};
	static const struct {
		const char *what;
		off_t cut; /* keep so many bytes */
	} cases[] = {{"cut in a header", 300}, {"cut in a file", 1540}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_FD blob = tar_make(members);
		char diff_id[DIGEST_SIZE];
		AUTO_PLACE place;
		struct err err = {0};

		if (ftruncate(blob, cases[i].cut) < 0)
			BAIL("ftruncate");
		place_open(&place);
		CHECK_EQ(cases[i].what, unpack_fd(&place, blob, roomy, diff_id, &err), -EBADMSG);
	}
}

TEST(an_empty_layer_is_a_layer)
{
	static const struct member none[] = {{0}};
	AUTO_FD nothing = memfd_create("layer", MFD_CLOEXEC);
	char diff_id[DIGEST_SIZE];
	AUTO_PLACE place;
	struct err err;

	place_open(&place);
	CHECK_OK("a tar without entries", unpack(&place, none, &err), &err);
	CHECK_OK("no bytes at all", unpack_fd(&place, nothing, roomy, diff_id, &err), &err);
	CHECK_STR("has the digest of nothing", diff_id,
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(the_umask_has_no_say)
{
	static const struct member members[] = {A_FILE("implied/f", "x"), {0}};
	mode_t was = umask(077);
	AUTO_PLACE place;
	struct err err;

	place_open(&place);
	CHECK_OK("it is unpacked", unpack(&place, members, &err), &err);
	CHECK_EQ("an implied directory", mode_of(&place, "implied"), S_IFDIR | 0755);
	CHECK_EQ("a file", mode_of(&place, "implied/f"), S_IFREG | 0644);
	umask(was);
}
