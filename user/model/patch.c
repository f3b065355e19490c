// SPDX-License-Identifier: Apache-2.0
#include "user/model/patch.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"

/* --- RFC 7386 ------------------------------------------------------------------------------------ */

/* What @patch makes of @target, which may be NULL.  A new reference; NULL: no memory. */
static json_t *merge(const json_t *target, const json_t *patch)
{
	AUTO_JSON result = NULL;
	const char *key;
	json_t *value;

	if (!json_is_object(patch))
		return json_deep_copy(patch);
	result = json_is_object(target) ? json_copy((json_t *)target) : json_object();
	json_object_foreach ((json_t *)patch, key, value) {
		if (json_is_null(value))
			json_object_del(result, key);
		else if (json_object_set_new(
				 result, key, merge(json_object_get(result, key), value)) < 0)
			return NULL;
	}
	return json_incref(result);
}

int patch_merge(const json_t *object, const json_t *patch, json_t **ret, struct err *err)
{
	AUTO_JSON copy = NULL;
	json_t *result;

	if (!json_is_object(patch))
		return err_refuse(err, EINVAL, "a merge patch must be an object");
	copy = json_deep_copy(object);
	result = copy ? merge(copy, patch) : NULL;
	if (!result)
		return err_set(err, ENOMEM, "apply a patch");
	*ret = result;
	return 0;
}

/* --- RFC 6902 ------------------------------------------------------------------------------------ */

struct patching {
	json_t *root; /* owned */
	size_t copied;
	struct err *err;
};

/* The last step of a pointer, and the value that it is taken in. */
struct target {
	json_t *parent; /* borrowed; NULL: the pointer is "", the whole document */
	char *name;	/* owned */
};

static void cleanup_target(struct target *target)
{
	free(target->name);
}

#define AUTO_TARGET AUTO_CLEANUP(cleanup_target) struct target

static int misfit(const struct patching *patching, const char *op, const char *path)
{
	return err_refuse(patching->err, ENOENT,
		"%s operation does not apply: doc is missing path: %.120s: missing value", op,
		path);
}

/* The next step of a pointer with ~1 and ~0 undone, which the caller frees; *@path moves on. */
static char *pointer_step(const char **path)
{
	const char *from = *path + 1;
	size_t len = strcspn(from, "/"), out = 0;
	char *step = strndup(from, len);

	*path = from + len;
	if (!step)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		if (step[i] != '~')
			step[out++] = step[i];
		else
			step[out++] = step[++i] == '1' ? '/' : '~';
	}
	step[out] = '\0';
	return step;
}

/* The index of a list, or -1; @end: "-" and the size, behind the last, are one too. */
static ssize_t list_index(const json_t *list, const char *step, bool end)
{
	size_t size = json_array_size(list), index;
	char *rest;

	if (end && strcmp(step, "-") == 0)
		return (ssize_t)size;
	if (step[0] < '0' || step[0] > '9' || (step[0] == '0' && step[1]) || strlen(step) > 9)
		return -1;
	index = strtoul(step, &rest, 10);
	return *rest || index >= size + end ? -1 : (ssize_t)index;
}

static json_t *child_get(const json_t *parent, const char *step)
{
	if (json_is_object(parent))
		return json_object_get(parent, step);
	if (!json_is_array(parent) || list_index(parent, step, false) < 0)
		return NULL;
	return json_array_get(parent, (size_t)list_index(parent, step, false));
}

static int pointer_find(
	struct patching *patching, const char *op, const char *path, struct target *ret)
{
	const char *at = path;
	json_t *parent = NULL;

	if (*path && *path != '/')
		return misfit(patching, op, path);
	while (*at) {
		parent = parent ? child_get(parent, ret->name) : patching->root;
		if (!parent)
			return misfit(patching, op, path);
		free(ret->name);
		ret->name = pointer_step(&at);
		if (!ret->name)
			return err_set(patching->err, ENOMEM, "apply a patch");
	}
	ret->parent = parent;
	return 0;
}

static json_t *target_get(const struct patching *patching, const struct target *target)
{
	return target->parent ? child_get(target->parent, target->name) : patching->root;
}

/* Takes @value.  @replace: over what is there. */
static int target_set(struct patching *patching, const struct target *target, const char *path,
	json_t *value, bool replace)
{
	const char *op = replace ? "replace" : "add";
	json_t *parent = target->parent;
	ssize_t index;
	int r;

	if (!value)
		return err_set(patching->err, ENOMEM, "apply a patch");
	if (!parent) {
		json_decref(patching->root);
		patching->root = value;
		return 0;
	}
	index = json_is_array(parent) ? list_index(parent, target->name, !replace) : -1;
	if (!json_is_object(parent) && index < 0) {
		json_decref(value);
		return misfit(patching, op, path);
	}
	if (json_is_object(parent))
		r = json_object_set_new(parent, target->name, value);
	else if (replace)
		r = json_array_set_new(parent, (size_t)index, value);
	else
		r = json_array_insert_new(parent, (size_t)index, value);
	return r < 0 ? err_refuse(patching->err, EINVAL, "the patch makes what is no JSON") : 0;
}

static int target_remove(struct patching *patching, const struct target *target, const char *path)
{
	if (!target->parent || !target_get(patching, target))
		return misfit(patching, "remove", path);
	if (json_is_object(target->parent))
		json_object_del(target->parent, target->name);
	else
		json_array_remove(
			target->parent, (size_t)list_index(target->parent, target->name, false));
	return 0;
}

static int run_test(struct patching *patching, const struct target *target, const char *path,
	const json_t *value)
{
	json_t *got = target_get(patching, target);

	/* A member that is not there equals null. */
	if (got ? json_equal(got, value) : json_is_null(value))
		return 0;
	return err_refuse(patching->err, ENOENT, "testing value %.120s failed: test failed", path);
}

/* @from is a part of the way to @path: nothing can move into itself. */
static bool is_above(const char *from, const char *path)
{
	size_t len = strlen(from);

	return strncmp(from, path, len) == 0 && path[len] == '/';
}

static int run_move(struct patching *patching, const char *op, const char *path, const json_t *from)
{
	AUTO_TARGET source = {0};
	AUTO_TARGET target = {0};
	AUTO_JSON value = NULL;
	const char *source_path = json_string_value(from);
	bool move = strcmp(op, "move") == 0;
	int r;

	if (!source_path || (move && is_above(source_path, path)))
		return err_refuse(patching->err, EINVAL, "a %s needs a 'from' that fits", op);
	r = pointer_find(patching, op, source_path, &source);
	if (r < 0)
		return r;
	value = json_incref(target_get(patching, &source));
	if (!value)
		return misfit(patching, op, source_path);
	if (!move)
		patching->copied += json_dumpb(value, NULL, 0, JSON_ENCODE_ANY | JSON_COMPACT);
	if (patching->copied > PATCH_MAX_COPIED)
		return err_refuse(patching->err, ENOENT, "the patch copies too much");
	if (move && source.parent)
		r = target_remove(patching, &source, source_path);
	/* Found after the removal, which moves what follows in a list. */
	if (r == 0)
		r = pointer_find(patching, op, path, &target);
	if (r < 0)
		return r;
	return target_set(
		patching, &target, path, move ? json_incref(value) : json_deep_copy(value), false);
}

static int run_operation(struct patching *patching, const json_t *operation)
{
	const char *op = json_string_at(operation, "op", "");
	const char *path = json_string_at(operation, "path", NULL);
	const json_t *value = json_object_get(operation, "value");
	AUTO_TARGET target = {0};
	int r;

	if (!path)
		return err_refuse(patching->err, EINVAL, "an operation needs a path");
	if (strcmp(op, "move") == 0 || strcmp(op, "copy") == 0)
		return run_move(patching, op, path, json_object_get(operation, "from"));
	if (strcmp(op, "add") != 0 && strcmp(op, "remove") != 0 && strcmp(op, "replace") != 0 &&
		strcmp(op, "test") != 0)
		return err_refuse(patching->err, EINVAL, "unexpected kind of operation: %.40s", op);
	if (!value && strcmp(op, "remove") != 0)
		return err_refuse(patching->err, EINVAL, "%s needs a value", op);
	r = pointer_find(patching, op, path, &target);
	if (r < 0)
		return r;
	if (strcmp(op, "remove") == 0)
		return target_remove(patching, &target, path);
	if (strcmp(op, "test") == 0)
		return run_test(patching, &target, path, value);
	if (strcmp(op, "replace") == 0 && !target_get(patching, &target))
		return misfit(patching, op, path);
	return target_set(
		patching, &target, path, json_deep_copy(value), strcmp(op, "replace") == 0);
}

int patch_json(const json_t *object, const json_t *patch, json_t **ret, struct err *err)
{
	struct patching patching = {.err = err};
	json_t *operation;
	size_t i;
	int r = 0;

	if (!json_is_array(patch))
		return err_refuse(err, EINVAL,
			"json: cannot unmarshal object into Go value of type jsonpatch.Patch");
	if (json_array_size(patch) > PATCH_MAX_OPERATIONS)
		return err_refuse(err, EINVAL,
			"The allowed maximum operations in a JSON patch is %d, got %zu",
			PATCH_MAX_OPERATIONS, json_array_size(patch));
	patching.root = json_deep_copy(object);
	if (!patching.root)
		return err_set(err, ENOMEM, "apply a patch");
	json_array_foreach ((json_t *)patch, i, operation)
		if (r == 0)
			r = run_operation(&patching, operation);
	if (r < 0) {
		json_decref(patching.root);
		return r;
	}
	*ret = patching.root;
	return 0;
}
