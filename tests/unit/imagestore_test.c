// SPDX-License-Identifier: Apache-2.0
#include "user/image/store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "tests/check.h"
#include "user/base/clock.h"
#include "user/base/fs.h"
#include "user/image/digest.h"
#include "user/image/list.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ID_A  "sha256:" HEX_A
#define ID_B  "sha256:" HEX_B
#define NGINX "docker.io/library/nginx:latest"
#define OTHER "docker.io/library/other:latest"

/* A store in a directory of its own; removed with the test. */
struct place {
	char dir[64];
	struct imagestore *store;
};

static void place_open(struct place *place)
{
	struct err err;

	strcpy(place->dir, "/tmp/imagestore-test.XXXXXX");
	if (!mkdtemp(place->dir) || imagestore_open(place->dir, &place->store, &err) < 0)
		BAIL("cannot make a store");
}

static void place_close(struct place *place)
{
	struct err err;

	imagestore_close(place->store);
	if (fs_remove(place->dir, &err) < 0)
		BAIL(err.text);
}

#define AUTO_PLACE AUTO_CLEANUP(place_close) struct place

static bool exists(const struct place *place, const char *name)
{
	AUTO_FREE char *path = fs_format("%s/%s", place->dir, name);

	return access(path, F_OK) == 0;
}

static unsigned count(const struct place *place, const char *part)
{
	AUTO_FREE char *path = fs_format("%s/%s", place->dir, part);
	AUTO_DIR dir = opendir(path);
	unsigned n = 0;

	while (dir && readdir(dir))
		n++;
	return n - 2; /* without "." and ".." */
}

static void layer_add(struct place *place, const char *diff_id)
{
	struct imagestore_layer layer;
	struct err err;

	if (imagestore_layer_begin(place->store, &layer, &err) < 0 ||
		mkdirat(layer.root_fd, "etc", 0755) < 0 ||
		imagestore_layer_commit(place->store, &layer, diff_id, &err) < 0)
		BAIL("cannot add a layer");
}

static void image_add(
	struct place *place, const char *reference, const char *digest, const char *diff_id)
{
	AUTO_JSON image = json_pack("{s:s, s:s, s:[s], s:{}}", "reference", reference, "digest",
		digest, "layers", diff_id, "config");
	struct err err;

	if (imagestore_write(place->store, reference, image, &err) < 0)
		BAIL(err.text);
}

static int collect(struct place *place, const char *keep, uint64_t min_age, struct err *err)
{
	place->store = imagestore_close(place->store);
	return imagestore_collect(place->dir,
		&(struct imagestore_collect){
			.keep = (const char *const[]){keep, NULL}, .min_age_usec = min_age},
		err);
}

TEST(a_layer_is_complete_or_absent)
{
	struct imagestore_layer layer;
	AUTO_PLACE place;
	struct stat st;
	struct err err;

	place_open(&place);
	if (!CHECK_OK("it begins", imagestore_layer_begin(place.store, &layer, &err), &err))
		return;
	fstat(layer.root_fd, &st);
	CHECK_EQ("a root that everybody may enter", st.st_mode, S_IFDIR | 0755);
	mkdirat(layer.root_fd, "etc", 0755);
	CHECK("absent while it is filled", !imagestore_has_layer(place.store, ID_A));
	CHECK_OK("it ends", imagestore_layer_commit(place.store, &layer, ID_A, &err), &err);
	CHECK("complete", imagestore_has_layer(place.store, ID_A));
	CHECK("with its content", exists(&place, "layers/" HEX_A "/fs/etc"));
	CHECK_EQ("nothing is left aside", count(&place, "tmp"), 0);

	imagestore_layer_begin(place.store, &layer, &err);
	mkdirat(layer.root_fd, "etc", 0755);
	imagestore_layer_abort(&layer);
	CHECK_EQ("an aborted one leaves nothing", count(&place, "tmp"), 0);
	CHECK_EQ("and adds nothing", count(&place, "layers"), 1);
}

TEST(two_pulls_of_one_layer_do_not_disturb_each_other)
{
	struct imagestore_layer first, second;
	struct imagestore *other;
	AUTO_PLACE place;
	struct err err;

	place_open(&place);
	if (!CHECK_OK("the store opens twice", imagestore_open(place.dir, &other, &err), &err))
		return;
	imagestore_layer_begin(place.store, &first, &err);
	imagestore_layer_begin(other, &second, &err);
	CHECK("each has a directory of its own", strcmp(first.path, second.path) != 0);
	mkdirat(first.root_fd, "first", 0755);
	mkdirat(second.root_fd, "second", 0755);
	CHECK_OK("one is first", imagestore_layer_commit(place.store, &first, ID_A, &err), &err);
	CHECK_OK("the other succeeds too", imagestore_layer_commit(other, &second, ID_A, &err),
		&err);
	CHECK("the first one's stays", exists(&place, "layers/" HEX_A "/fs/first"));
	CHECK("alone", !exists(&place, "layers/" HEX_A "/fs/second"));
	CHECK_EQ("nothing is left aside", count(&place, "tmp"), 0);
	imagestore_close(other);
}

TEST(what_a_killed_pull_left_goes_when_nobody_else_works)
{
	struct imagestore_layer layer;
	struct imagestore *other;
	AUTO_PLACE place;
	struct err err;

	place_open(&place);
	imagestore_layer_begin(place.store, &layer, &err);
	mkdirat(layer.root_fd, "etc", 0755);
	close_fd(&layer.root_fd);
	if (!CHECK_OK("opened beside it", imagestore_open(place.dir, &other, &err), &err))
		return;
	CHECK_EQ("it may be somebody's: it stays", count(&place, "tmp"), 1);
	imagestore_close(other);
	place.store = imagestore_close(place.store);
	CHECK_OK("opened alone", imagestore_open(place.dir, &place.store, &err), &err);
	CHECK_EQ("it is gone", count(&place, "tmp"), 0);
}

TEST(an_image_is_found_again_with_all_its_layers)
{
	AUTO_JSON got = NULL;
	AUTO_PLACE place;
	struct err err = {0};

	place_open(&place);
	CHECK_EQ("none yet", imagestore_read(place.store, NGINX, &got, &err), -ENOENT);
	image_add(&place, NGINX, ID_B, ID_A);
	CHECK_FAILS("a layer is missing", imagestore_read(place.store, NGINX, &got, &err), ENOENT,
		&err, "layer " ID_A " is missing");
	layer_add(&place, ID_A);
	if (!CHECK_OK("complete", imagestore_read(place.store, NGINX, &got, &err), &err))
		return;
	CHECK_STR("its digest", json_string_at(got, "digest", ""), ID_B);
	CHECK_EQ("another tag is another image", imagestore_read(place.store, OTHER, &got, &err),
		-ENOENT);
}

TEST(a_damaged_record_is_set_aside_and_said)
{
	AUTO_FREE char *path = NULL;
	AUTO_JSON got = NULL;
	AUTO_PLACE place;
	char digest[DIGEST_SIZE];
	struct err err = {0};

	place_open(&place);
	layer_add(&place, ID_A);
	image_add(&place, NGINX, ID_B, ID_A);
	digest_of(NGINX, strlen(NGINX), digest);
	path = fs_format("%s/images/%s", place.dir, digest_hex(digest));
	fs_replace(path, "nonsense", 8, 0600, FS_VOLATILE, &err);
	CHECK_FAILS("it is not believed", imagestore_read(place.store, NGINX, &got, &err), EBADMSG,
		&err, "is damaged");
	CHECK_EQ("the next time there is none", imagestore_read(place.store, NGINX, &got, &err),
		-ENOENT);
	free(path);
	path = fs_format("images/%s.damaged", digest_hex(digest));
	CHECK("it is kept for people", exists(&place, path));
}

TEST(collecting_removes_what_nobody_needs)
{
	AUTO_PLACE place;
	struct err err;

	place_open(&place);
	layer_add(&place, ID_A);
	layer_add(&place, ID_B);
	image_add(&place, NGINX, ID_B, ID_A);
	image_add(&place, OTHER, ID_B, ID_B);
	if (!CHECK_OK("it works", collect(&place, NGINX, 0, &err), &err))
		return;
	CHECK_EQ("one image is left", count(&place, "images"), 1);
	CHECK("its layer stays", exists(&place, "layers/" HEX_A "/fs/etc"));
	CHECK("the other one's is gone", !exists(&place, "layers/" HEX_B));
	CHECK_EQ("and not lying about", count(&place, "tmp"), 0);
	CHECK_OK("without any to keep", collect(&place, NULL, 0, &err), &err);
	CHECK_EQ("no image", count(&place, "images"), 0);
	CHECK_EQ("no layer", count(&place, "layers"), 0);
}

TEST(a_layer_used_a_moment_ago_stays)
{
	AUTO_PLACE place;
	struct err err;

	place_open(&place);
	layer_add(&place, ID_A);
	CHECK_OK("with an age of a minute", collect(&place, NULL, 60 * USEC_PER_SEC, &err), &err);
	CHECK("it stays", exists(&place, "layers/" HEX_A));
	CHECK_OK("without an age", collect(&place, NULL, 0, &err), &err);
	CHECK("it goes", !exists(&place, "layers/" HEX_A));
}

TEST(nothing_is_collected_while_somebody_pulls)
{
	struct imagestore *other;
	AUTO_PLACE place;
	struct err err = {0};

	place_open(&place);
	layer_add(&place, ID_A);
	imagestore_open(place.dir, &other, &err);
	CHECK_FAILS("it says so", collect(&place, NULL, 0, &err), EBUSY, &err, "being pulled");
	CHECK("all is there", exists(&place, "layers/" HEX_A));
	imagestore_close(other);
}

TEST(what_a_tag_meant_stays_as_long_as_its_digest_is_kept)
{
	AUTO_PLACE place;
	struct err err;

	place_open(&place);
	layer_add(&place, ID_A);
	layer_add(&place, ID_B);
	image_add(&place, NGINX, ID_A, ID_A);
	image_add(&place, NGINX, ID_B, ID_B); /* the tag has moved, a container still runs */
	CHECK_OK("its digest is to be kept", collect(&place, ID_A, 0, &err), &err);
	CHECK("so its layer stays", exists(&place, "layers/" HEX_A));
	CHECK("the tag's own goes", !exists(&place, "layers/" HEX_B));
	CHECK_OK("collected once the container is gone", collect(&place, NGINX, 0, &err), &err);
	CHECK("it goes", !exists(&place, "layers/" HEX_A));
}

TEST(writing_the_same_image_again_retains_nothing)
{
	AUTO_PLACE place;

	place_open(&place);
	image_add(&place, NGINX, ID_A, ID_A);
	image_add(&place, NGINX, ID_A, ID_A);
	CHECK_EQ("one record", count(&place, "images"), 1);
}

static void sized_add(struct place *place, const char *reference, const char *digest, int size)
{
	AUTO_JSON image = json_pack("{s:s, s:s, s:i, s:[s], s:{}}", "reference", reference,
		"digest", digest, "size", size, "layers", ID_A, "config");
	struct err err;

	if (imagestore_write(place->store, reference, image, &err) < 0)
		BAIL(err.text);
}

/* "1: a b; 2: c": sizes and names. */
static const char *list_text(const char *dir, size_t most, char ret[1024])
{
	AUTO_JSON list = NULL;
	json_t *image, *name;
	struct err err;
	size_t i, j;

	if (imagestore_list(dir, most, &list, &err) < 0)
		BAIL(err.text);
	ret[0] = '\0';
	json_array_foreach (list, i, image) {
		snprintf(ret + strlen(ret), 1024 - strlen(ret), "%s%lld:", i ? "; " : "",
			json_integer_at(image, "sizeBytes", -1));
		json_array_foreach (json_object_get(image, "names"), j, name)
			snprintf(ret + strlen(ret), 1024 - strlen(ret), " %s",
				json_string_value(name));
	}
	return ret;
}

TEST(a_node_tells_of_its_largest_images)
{
	AUTO_PLACE place = {0};
	char got[1024];

	place_open(&place);
	CHECK_STR("none", list_text(place.dir, 50, got), "");
	layer_add(&place, ID_A);
	sized_add(&place, NGINX, ID_A, 10);
	sized_add(&place, "localhost:5000/x@" ID_B, ID_B, 20);
	CHECK_STR("the largest first, by digest and tag", list_text(place.dir, 50, got),
		"20: localhost:5000/x@" ID_B "; 10: docker.io/library/nginx@" ID_A " " NGINX);
	CHECK_STR("no more than that", list_text(place.dir, 1, got), "20: localhost:5000/x@" ID_B);
	sized_add(&place, NGINX, ID_B, 20);
	CHECK("what a tag meant before has no name", !strstr(list_text(place.dir, 50, got), ID_A));
	CHECK_STR("a store that is not there", list_text("/nonexistent/store", 50, got), "");
}

TEST(a_store_that_cannot_be_made_says_why)
{
	struct imagestore *store;
	struct err err = {0};

	CHECK_EQ("below a file", imagestore_open("/etc/passwd/images", &store, &err), -ENOTDIR);
	CHECK_HAS("with the path", err.text, "/etc/passwd/images");
}
