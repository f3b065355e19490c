// SPDX-License-Identifier: Apache-2.0
#include "user/node/env.h"

#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct env_pair {
	char *name, *value;
};

struct env {
	struct env_pair *pairs;
	size_t count;
};

struct env *env_free(struct env *env)
{
	if (!env)
		return NULL;
	for (size_t i = 0; i < env->count; i++) {
		free(env->pairs[i].name);
		free(env->pairs[i].value);
	}
	free(env->pairs);
	free(env);
	return NULL;
}

static void env_cleanup(struct env **env)
{
	env_free(*env);
}

#define AUTO_ENV AUTO_CLEANUP(env_cleanup) struct env

static struct env_pair *env_find(const struct env *env, const char *name)
{
	for (size_t i = 0; i < env->count; i++)
		if (strcmp(env->pairs[i].name, name) == 0)
			return &env->pairs[i];
	return NULL;
}

const char *env_get(const struct env *env, const char *name)
{
	const struct env_pair *pair = env_find(env, name);

	return pair ? pair->value : NULL;
}

static int env_append(struct env *env, const char *name, char *value, struct err *err)
{
	AUTO_FREE char *copy = strdup(name);
	struct env_pair *grown;

	if (env->count == ENV_MAX_COUNT)
		return err_refuse(err, E2BIG, "more than %d environment variables", ENV_MAX_COUNT);
	grown = reallocarray(env->pairs, env->count + 1, sizeof(*grown));
	if (!copy || !grown) {
		env->pairs = grown ? grown : env->pairs;
		return err_set(err, ENOMEM, "set variable '%s'", name);
	}
	env->pairs = grown;
	grown[env->count++] = (struct env_pair){.name = take_ptr(copy), .value = value};
	return 0;
}

/* Takes @value over, also when it fails. */
static int env_put(struct env *env, const char *name, char *value, struct err *err)
{
	AUTO_FREE char *mine = value;
	struct env_pair *pair = env_find(env, name);
	int r;

	if (!mine)
		return err_set(err, ENOMEM, "set variable '%s'", name);
	if (strlen(name) + strlen(mine) + 2 > ENV_MAX_BYTES)
		return err_refuse(err, E2BIG, "variable '%.100s' is longer than %u bytes", name,
			ENV_MAX_BYTES);
	if (pair) {
		free(pair->value);
		pair->value = take_ptr(mine);
		return 0;
	}
	r = env_append(env, name, mine, err);
	if (r == 0)
		mine = NULL;
	return r;
}

struct text {
	char *data;
	size_t len, size;
};

/* References multiply what they stand for: nothing grows beyond what could be passed on. */
static int text_add(struct text *text, const char *data, size_t len)
{
	if (text->len + len >= ENV_MAX_BYTES)
		return -E2BIG;
	if (text->len + len + 1 > text->size) {
		size_t size = (text->len + len + 1) * 2;
		char *grown = realloc(text->data, size);

		if (!grown)
			return -ENOMEM;
		text->data = grown;
		text->size = size;
	}
	memcpy(text->data + text->len, data, len);
	text->len += len;
	text->data[text->len] = '\0';
	return 0;
}

/* @at: a '$' with something behind it.  Sets *@ret_len to the characters used up. */
static int expand_one(const struct env *env, const char *at, struct text *out, size_t *ret_len)
{
	const char *end = at[1] == '(' ? strchr(at, ')') : NULL;
	AUTO_FREE char *name = NULL;
	const char *value;

	*ret_len = 2;
	if (at[1] == '$')
		return text_add(out, "$", 1);
	if (!end)
		return text_add(out, at, 2);
	*ret_len = (size_t)(end - at) + 1;
	name = strndup(at + 2, (size_t)(end - at) - 2);
	if (!name)
		return -ENOMEM;
	value = env_get(env, name);
	return value ? text_add(out, value, strlen(value)) : text_add(out, at, *ret_len);
}

int env_expand(const struct env *env, const char *text, char **ret, struct err *err)
{
	struct text out = {0};
	int r = text_add(&out, "", 0);

	while (r == 0 && *text) {
		size_t len = strcspn(text, "$");

		if (len) {
			r = text_add(&out, text, len);
		} else if (!text[1]) {
			len = 1;
			r = text_add(&out, text, len);
		} else {
			r = expand_one(env, text, &out, &len);
		}
		text += len;
	}
	if (r < 0) {
		free(out.data);
		return err_set(err, -r, "expand '%.60s'", text);
	}
	*ret = out.data;
	return 0;
}

static const char *kind_text(enum object_kind kind)
{
	return kind == KIND_SECRET ? "secret" : "configmap";
}

/* *@ret stays NULL when the object or key is missing and may be. */
static int key_value(
	const struct env_input *input, const struct env_var *var, char **ret, struct err *err)
{
	enum object_kind kind = var->kind == ENV_SECRET_KEY ? KIND_SECRET : KIND_CONFIG_MAP;
	const char *namespace = input->about.pod->meta.namespace;
	const struct object *object =
		input->source.get(input->source.userdata, kind, namespace, var->object);
	AUTO_FREE void *data = NULL;
	size_t len;
	int r;

	if (!object && var->optional)
		return 0;
	if (!object)
		return err_refuse(err, ENOENT, "%s \"%s\" not found", kind_text(kind), var->object);
	r = object_data_get(object, var->key, &data, &len, err);
	if (r == -ENOENT && var->optional)
		return 0;
	if (r == -ENOENT)
		return err_refuse(err, ENOENT, "couldn't find key %s in %s %s/%s", var->key,
			object_kind_name(kind), namespace, var->object);
	if (r < 0)
		return r;
	if (memchr(data, '\0', len))
		return err_refuse(err, EINVAL, "key %s of %s %s/%s holds a NUL byte", var->key,
			object_kind_name(kind), namespace, var->object);
	*ret = strndup(data, len);
	return *ret ? 0 : err_set(err, ENOMEM, "read key '%s'", var->key);
}

/* Kubernetes takes any printable ASCII but '='; other keys are left out. */
static bool name_is_usable(const char *name)
{
	for (const char *p = name; *p; p++)
		if (*p < ' ' || *p > '~' || *p == '=')
			return false;
	return *name != '\0';
}

struct from {
	struct env *env;
	const struct object *object;
	const char *prefix;
	struct err *err;
};

static int from_key(const char *key, void *userdata)
{
	struct from *from = userdata;
	AUTO_FREE char *name = fs_format("%s%s", from->prefix, key);
	AUTO_FREE void *data = NULL;
	size_t len;
	int r;

	if (!name)
		return err_set(from->err, ENOMEM, "read key '%s'", key);
	if (!name_is_usable(name))
		return 0;
	r = object_data_get(from->object, key, &data, &len, from->err);
	if (r < 0)
		return r;
	if (memchr(data, '\0', len))
		return err_refuse(from->err, EINVAL, "key %s of %s %s/%s holds a NUL byte", key,
			object_kind_name(from->object->kind), from->object->meta.namespace,
			from->object->meta.name);
	return env_put(from->env, name, strndup(data, len), from->err);
}

static int env_add_from(
	const struct env_input *input, const struct env_from *one, struct env *env, struct err *err)
{
	enum object_kind kind = one->secret ? KIND_SECRET : KIND_CONFIG_MAP;
	struct from from = {.env = env, .prefix = one->prefix, .err = err};

	from.object = input->source.get(
		input->source.userdata, kind, input->about.pod->meta.namespace, one->object);
	if (!from.object && one->optional)
		return 0;
	if (!from.object)
		return err_refuse(err, ENOENT, "%s \"%s\" not found", kind_text(kind), one->object);
	return object_data_each(from.object, from_key, &from);
}

static int resource_var(
	const struct env_input *input, const struct env_var *var, char **ret, struct err *err)
{
	const char *name = var->container ? var->container : input->container->name;

	return downward_resource(&input->about, name, var->path, var->divisor, ret, err);
}

/* *@ret NULL: the variable is not set at all. */
static int var_value(const struct env_input *input, const struct env *env,
	const struct env_var *var, char **ret, struct err *err)
{
	switch (var->kind) {
	case ENV_VALUE: return env_expand(env, var->value ? var->value : "", ret, err);
	case ENV_RESOURCE_FIELD: return resource_var(input, var, ret, err);
	case ENV_CONFIG_MAP_KEY:
	case ENV_SECRET_KEY: return key_value(input, var, ret, err);
	case ENV_FIELD: break;
	}
	return downward_field(&input->about, var->path, ret, err);
}

int env_make(const struct env_input *input, struct env **ret, struct err *err)
{
	const struct container *container = input->container;
	AUTO_ENV *env = calloc(1, sizeof(*env));
	int r = env ? 0 : err_set(err, ENOMEM, "make the environment");

	for (size_t i = 0; r == 0 && i < container->env_from_count; i++)
		r = env_add_from(input, &container->env_from[i], env, err);
	for (size_t i = 0; r == 0 && i < container->env_count; i++) {
		const struct env_var *var = &container->env[i];
		char *value = NULL;

		r = var_value(input, env, var, &value, err);
		if (r < 0)
			return err_wrap(err, "variable %s", var->name);
		if (value)
			r = env_put(env, var->name, value, err);
	}
	if (r == 0)
		*ret = take_ptr(env);
	return r;
}

/* An entry of an image without '=' has no value to pass on. */
static int env_put_image(struct env *env, const char *entry, struct err *err)
{
	const char *equals = strchr(entry, '=');
	AUTO_FREE char *name = equals ? strndup(entry, (size_t)(equals - entry)) : NULL;

	if (!equals || equals == entry)
		return 0;
	return name ? env_put(env, name, strdup(equals + 1), err)
		    : err_set(err, ENOMEM, "read the image's environment");
}

static int env_json(const struct env *env, json_t **ret, struct err *err)
{
	AUTO_JSON list = json_array();

	for (size_t i = 0; i < env->count; i++) {
		json_t *entry = json_sprintf("%s=%s", env->pairs[i].name, env->pairs[i].value);

		/* jansson makes no string of what is not UTF-8; config.json could not carry it. */
		if (json_array_append_new(list, entry) < 0)
			return err_refuse(err, EILSEQ, "variable '%.100s' is not UTF-8 text",
				env->pairs[i].name);
	}
	if (!list)
		return err_set(err, ENOMEM, "make the environment");
	*ret = take_ptr(list);
	return 0;
}

int env_merge(const struct env *env, char *const *image_env, const char *hostname, bool terminal,
	json_t **ret, struct err *err)
{
	AUTO_ENV *all = calloc(1, sizeof(*all));
	int r = all ? 0 : err_set(err, ENOMEM, "make the environment");

	if (r == 0)
		r = env_put(all, "PATH", strdup(DEFAULT_PATH), err);
	if (r == 0)
		r = env_put(all, "HOSTNAME", strdup(hostname), err);
	if (r == 0 && terminal)
		r = env_put(all, "TERM", strdup("xterm"), err);
	for (; r == 0 && *image_env; image_env++)
		r = env_put_image(all, *image_env, err);
	for (size_t i = 0; r == 0 && i < env->count; i++)
		r = env_put(all, env->pairs[i].name, strdup(env->pairs[i].value), err);
	return r < 0 ? r : env_json(all, ret, err);
}
