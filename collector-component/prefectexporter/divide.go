// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"context"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// What stands for the position of a target where there is none.
const (
	noTarget      int16 = -1 // the record names none
	unknownTarget int16 = -2 // the record names one that is not configured
)

// divide moves the records of a push apart, by target, and counts those that have none.
func (e *logsExporter) divide(ctx context.Context, logs plog.Logs) []plog.Logs {
	parts := make([]plog.Logs, len(e.targets))
	for i := range parts {
		parts[i] = plog.NewLogs()
	}
	var skipped [2]int // by noTarget and unknownTarget
	var to []int16
	for _, resource := range logs.ResourceLogs().All() {
		of := e.chosen(resource.Resource().Attributes(), e.otherwise)
		to = to[:0]
		for _, scope := range resource.ScopeLogs().All() {
			of := e.chosen(scope.Scope().Attributes(), of)
			for _, record := range scope.LogRecords().All() {
				to = append(to, e.chosen(record.Attributes(), of))
			}
		}
		if len(to) == 0 {
			continue
		}
		if to[0] >= 0 && !slices.ContainsFunc(to, func(other int16) bool { return other != to[0] }) {
			resource.MoveTo(parts[to[0]].ResourceLogs().AppendEmpty())
			continue
		}
		for _, i := range to {
			if i < 0 {
				skipped[-1-i]++
			}
		}
		divideResource(resource, to, parts)
	}
	logs.ResourceLogs().RemoveIf(func(plog.ResourceLogs) bool { return true })
	e.telemetry.skipped(ctx, reasonNoTarget, skipped[-1-noTarget])
	e.telemetry.skipped(ctx, reasonUnknownTarget, skipped[-1-unknownTarget])
	return parts
}

// chosen returns the target that attributes name, else the one of what is around them.
func (e *logsExporter) chosen(attributes pcommon.Map, around int16) int16 {
	value, ok := attributes.Get(e.attribute)
	if !ok || value.Type() == pcommon.ValueTypeEmpty {
		return around
	}
	if i, ok := e.byName[value.Str()]; ok && value.Type() == pcommon.ValueTypeStr {
		return i
	}
	return unknownTarget
}

// divideResource moves the records of a resource to their targets, which get what is around them too.
func divideResource(resource plog.ResourceLogs, to []int16, parts []plog.Logs) {
	resources := make([]plog.ResourceLogs, len(parts))
	begun := make([]bool, len(parts))
	for _, scope := range resource.ScopeLogs().All() {
		scopes := make([]plog.LogRecordSlice, len(parts))
		open := make([]bool, len(parts))
		for _, record := range scope.LogRecords().All() {
			i := to[0]
			if to = to[1:]; i < 0 {
				continue
			}
			if !begun[i] {
				begun[i], resources[i] = true, parts[i].ResourceLogs().AppendEmpty()
				resource.Resource().CopyTo(resources[i].Resource())
				resources[i].SetSchemaUrl(resource.SchemaUrl())
			}
			if !open[i] {
				copied := resources[i].ScopeLogs().AppendEmpty()
				open[i], scopes[i] = true, copied.LogRecords()
				scope.Scope().CopyTo(copied.Scope())
				copied.SetSchemaUrl(scope.SchemaUrl())
			}
			record.MoveTo(scopes[i].AppendEmpty())
		}
	}
}
