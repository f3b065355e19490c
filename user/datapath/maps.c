// SPDX-License-Identifier: Apache-2.0
#include "user/datapath/maps.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/datapath/pindir.h"

/* The kernel gives such maps whole pages. */
static size_t map_size(uint32_t elements, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (elements * size + page - 1) / page * page;
}

/* Opens an ARRAY whose elements have @size bytes. */
static int array_open(const struct datapath_config *config, const char *name, size_t size,
	int *ret_fd, uint32_t *ret_max, struct err *err)
{
	struct bpf_map_info info = {};
	__u32 info_size = sizeof(info);
	AUTO_FD fd = -1;
	int r;

	r = pindir_get(config, name, &fd, err);
	if (r < 0)
		return r;
	r = bpf_obj_get_info_by_fd(fd, &info, &info_size);
	if (r < 0)
		return err_set(err, -r, "read about map '%s'", name);
	if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != size)
		return err_refuse(err, EINVAL, "the pin '%s' is not our map", name);
	*ret_fd = take_fd(&fd);
	*ret_max = info.max_entries;
	return 0;
}

static int array_map(
	int fd, uint32_t elements, size_t size, void **ret, const char *name, struct err *err)
{
	void *memory =
		mmap(NULL, map_size(elements, size), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return err_set(err, errno, "mmap map '%s'", name);
	*ret = memory;
	return 0;
}

static void array_unmap(void *memory, uint32_t elements, size_t size)
{
	if (memory)
		munmap(memory, map_size(elements, size));
}

int maps_open(const struct datapath_config *config, struct maps *ret, struct err *err)
{
	struct image *image = &ret->image;
	AUTO_FD endpoints = -1, services = -1;
	int r;

	r = pindir_get(config, "svc4", &ret->svc4_fd, err);
	if (r == 0)
		r = pindir_get(config, "peers4", &ret->peers4_fd, err);
	if (r == 0)
		r = pindir_get(config, "inits", &ret->inits_fd, err);
	if (r == 0)
		r = array_open(config, "rows", sizeof(struct row_line), &ret->rows_fd,
			&image->line_max, err);
	if (r == 0)
		r = array_open(config, "backends", sizeof(struct backend), &ret->backends_fd,
			&image->backend_max, err);
	if (r == 0)
		r = array_open(config, "endpoints", sizeof(struct endpoint), &endpoints,
			&image->endpoint_max, err);
	if (r == 0)
		r = array_open(config, "services", sizeof(struct service), &services,
			&image->service_max, err);
	if (r == 0)
		r = array_map(endpoints, image->endpoint_max, sizeof(struct endpoint),
			(void **)&image->endpoints, "endpoints", err);
	if (r == 0)
		r = array_map(services, image->service_max, sizeof(struct service),
			(void **)&image->services, "services", err);
	return r;
}

void maps_close(struct maps *maps)
{
	maps_unmap(maps);
	array_unmap(
		maps->image.endpoints, maps->image.endpoint_max, sizeof(*maps->image.endpoints));
	array_unmap(maps->image.services, maps->image.service_max, sizeof(*maps->image.services));
	close_fd(&maps->svc4_fd);
	close_fd(&maps->rows_fd);
	close_fd(&maps->backends_fd);
	close_fd(&maps->peers4_fd);
	close_fd(&maps->inits_fd);
	*maps = MAPS_CLOSED;
}

int maps_map_rows(struct maps *maps, struct err *err)
{
	struct image *image = &maps->image;

	return array_map(maps->rows_fd, image->line_max, sizeof(*image->rows),
		(void **)&image->rows, "rows", err);
}

int maps_map_backends(struct maps *maps, struct err *err)
{
	struct image *image = &maps->image;

	return array_map(maps->backends_fd, image->backend_max, sizeof(*image->backends),
		(void **)&image->backends, "backends", err);
}

/* Maps only the pages that the lines touch. */
int maps_write_row(const struct maps *maps, uint32_t first, const struct row_line *lines,
	uint32_t count, struct err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), at = first * sizeof(*lines);
	size_t skip = at % page, size = count * sizeof(*lines);
	char *memory = mmap(NULL, skip + size, PROT_READ | PROT_WRITE, MAP_SHARED, maps->rows_fd,
		(off_t)(at - skip));

	if (memory == MAP_FAILED)
		return err_set(err, errno, "mmap map 'rows'");
	memcpy(memory + skip, lines, size);
	munmap(memory, skip + size);
	return 0;
}

void maps_unmap(struct maps *maps)
{
	array_unmap(maps->image.rows, maps->image.line_max, sizeof(*maps->image.rows));
	array_unmap(maps->image.backends, maps->image.backend_max, sizeof(*maps->image.backends));
	maps->image.rows = NULL;
	maps->image.backends = NULL;
}

int maps_keys(const struct maps *maps, struct image_key **ret, size_t *ret_count, struct err *err)
{
	AUTO_FREE struct image_key *keys =
		calloc(maps->image.service_max, sizeof(*keys)); /* svc4 has room for fewer */
	struct svc4_key key, *before = NULL;
	size_t count = 0;
	int r;

	if (!keys)
		return err_set(err, ENOMEM, "read map 'svc4'");
	while ((r = bpf_map_get_next_key(maps->svc4_fd, before, &key)) == 0 &&
		count < maps->image.service_max) {
		keys[count].key = key;
		r = bpf_map_lookup_elem(maps->svc4_fd, &key, &keys[count].service);
		if (r < 0)
			return err_set(err, -r, "read map 'svc4'");
		before = &keys[count++].key;
	}
	if (r < 0 && r != -ENOENT)
		return err_set(err, -r, "read map 'svc4'");
	*ret = take_ptr(keys);
	*ret_count = count;
	return 0;
}

int maps_key_add(
	const struct maps *maps, const struct svc4_key *key, uint32_t service, struct err *err)
{
	int r = bpf_map_update_elem(maps->svc4_fd, key, &service, BPF_NOEXIST);

	return r == 0 ? 0 : err_set(err, -r, "write map 'svc4'");
}

int maps_key_delete(const struct maps *maps, const struct svc4_key *key, struct err *err)
{
	int r = bpf_map_delete_elem(maps->svc4_fd, key);

	return r == 0 || r == -ENOENT ? 0 : err_set(err, -r, "write map 'svc4'");
}
