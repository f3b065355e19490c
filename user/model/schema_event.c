// SPDX-License-Identifier: Apache-2.0
/* Events: of core, and of events.k8s.io. */
#include "user/model/schema_rows.h"

static const struct schema_field event_source_fields[] = {
	STRING("component", 1),
	STRING("host", 2),
	END_OF_FIELDS,
};

const struct schema_message schema_event_source = {
	.name = "EventSource", .fields = event_source_fields};

static const struct schema_field event_series_fields[] = {
	INT32("count", 1),
	MICRO_TIME("lastObservedTime", 2),
	END_OF_FIELDS,
};

static const struct schema_message event_series = {
	.name = "EventSeries", .fields = event_series_fields};

static const struct schema_field core_event_fields[] = {
	KIND_HEAD,
	MESSAGE("involvedObject", 2, schema_object_reference, ALWAYS("{}")),
	STRING("reason", 3),
	STRING("message", 4),
	MESSAGE("source", 5, schema_event_source, ALWAYS("{}")),
	TIME("firstTimestamp", 6, ALWAYS("null")),
	TIME("lastTimestamp", 7, ALWAYS("null")),
	INT32("count", 8),
	STRING("type", 9),
	MICRO_TIME("eventTime", 10, ALWAYS("null")),
	MESSAGE("series", 11, event_series),
	STRING("action", 12),
	MESSAGE("related", 13, schema_object_reference),
	STRING("reportingComponent", 14, ALWAYS("\"\"")),
	STRING("reportingInstance", 15, ALWAYS("\"\"")),
	END_OF_FIELDS,
};

const struct schema_message schema_core_event = {.name = "Event", .fields = core_event_fields};

static const struct schema_field series_fields[] = {
	INT32("count", 1),
	MICRO_TIME("lastObservedTime", 2),
	END_OF_FIELDS,
};

static const struct schema_message series = {.name = "EventSeries", .fields = series_fields};

static const struct schema_field event_fields[] = {
	KIND_HEAD,
	MICRO_TIME("eventTime", 2, ALWAYS("null")),
	MESSAGE("series", 3, series),
	STRING("reportingController", 4),
	STRING("reportingInstance", 5),
	STRING("action", 6),
	STRING("reason", 7),
	MESSAGE("regarding", 8, schema_object_reference, ALWAYS("{}")),
	MESSAGE("related", 9, schema_object_reference),
	STRING("note", 10),
	STRING("type", 11),
	MESSAGE("deprecatedSource", 12, schema_event_source, ALWAYS("{}")),
	TIME("deprecatedFirstTimestamp", 13, ALWAYS("null")),
	TIME("deprecatedLastTimestamp", 14, ALWAYS("null")),
	INT32("deprecatedCount", 15),
	END_OF_FIELDS,
};

const struct schema_message schema_event = {.name = "Event", .fields = event_fields};
