// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"strings"
	"sync/atomic"
)

// field is what an attribute key means.
type field uint8

const (
	fieldNone        field = iota // goes into the message
	fieldDenied                   // its name speaks of a secret: left out
	fieldFlowRun                  // names the flow run
	fieldTaskRun                  // names the task run
	fieldRunID                    // names the run that fieldRunType tells the kind of
	fieldRunType                  // "flow" or "task"
	fieldLevel                    // a level number of Python's logging
	fieldLogger                   // the logger's name
	fieldSendToAPI                // false: this record is not for Prefect
	fieldException                // exception.type, exception.message, exception.stacktrace
	fieldServiceName              // on resources
)

// meaning is a field and the rank of its key: of two keys that name a run, the
// lower rank wins.
type meaning struct {
	field field
	rank  uint8
}

// meanings is the one table of keys that are more than text.
var meanings = map[string]meaning{
	"prefect.flow_run.id":                    {fieldFlowRun, 1},
	"prefect.flow_run_id":                    {fieldFlowRun, 2},
	"flow_run_id":                            {fieldFlowRun, 3},
	"k8s.pod.label.prefect.io/flow-run-id":   {fieldFlowRun, 5},
	"k8s.pod.labels.prefect.io/flow-run-id":  {fieldFlowRun, 6},
	"container.label.prefect.io/flow-run-id": {fieldFlowRun, 7},
	"prefect.io/flow-run-id":                 {fieldFlowRun, 8},

	"prefect.task_run.id": {fieldTaskRun, 1},
	"prefect.task_run_id": {fieldTaskRun, 2},
	"task_run_id":         {fieldTaskRun, 3},

	"prefect.run.id":   {fieldRunID, rankTypedRun},
	"prefect.run.type": {fieldRunType, 0},

	"levelno":       {fieldLevel, 0},
	"logger.name":   {fieldLogger, 1},
	"log.logger":    {fieldLogger, 2},
	"service.name":  {fieldServiceName, 0},
	"send_to_api":   {fieldSendToAPI, 0},
	"send_to_orion": {fieldSendToAPI, 0},

	"exception.type":       {fieldException, exceptionType},
	"exception.message":    {fieldException, exceptionMessage},
	"exception.stacktrace": {fieldException, exceptionStacktrace},
}

// rankTypedRun is where prefect.run.id stands among the keys that name a run.
const rankTypedRun = 4

// The ranks of fieldException.
const (
	exceptionType = iota
	exceptionMessage
	exceptionStacktrace
	exceptionParts
)

// secretWords mark the name of an attribute whose value is not for a log page.
// "token" is not among them: it counts only as a word of its own, since names like
// max_tokens are harmless and common.
var secretWords = []string{
	"password", "passwd", "passphrase", "secret", "authorization", "cookie",
	"api_key", "apikey", "api-key", "private_key", "privatekey", "private-key", "credential",
}

// classify looks a key up, in full.
func classify(key string) meaning {
	if m, ok := meanings[key]; ok {
		return m
	}
	lower := strings.ToLower(key)
	for _, word := range secretWords {
		if strings.Contains(lower, word) {
			return meaning{field: fieldDenied}
		}
	}
	for rest := lower; ; {
		at := strings.Index(rest, "token")
		if at < 0 {
			return meaning{}
		}
		rest = rest[at+len("token"):]
		if rest == "" || rest[0] < 'a' || rest[0] > 'z' {
			return meaning{field: fieldDenied}
		}
	}
}

// keyCache remembers what keys mean. Programs use few distinct keys, and a
// comparison with a remembered one is cheaper than any lookup. Its size is fixed.
// Safe for concurrent use.
type keyCache struct {
	slots  [1024]atomic.Pointer[cachedKey]
	misses atomic.Uint32
}

type cachedKey struct {
	key     string
	meaning meaning
}

const (
	cacheProbes  = 4   // slots in which a key may stand
	maxCachedKey = 256 // bytes, which bounds what the cache holds on to
	replaceEvery = 64  // misses for one replacement: a program that invents keys does not allocate for each
)

func (c *keyCache) lookup(key string) meaning {
	if key == "" {
		return meaning{}
	}
	n := len(key)
	first := uint(n)*31 + uint(key[0])*7 + uint(key[n-1])*131 + uint(key[n/2])*17
	free := -1
	for i := range uint(cacheProbes) {
		at := int((first + i) % uint(len(c.slots)))
		cached := c.slots[at].Load()
		if cached == nil {
			free = at
			break
		}
		if cached.key == key {
			return cached.meaning
		}
	}
	m := classify(key)
	if free < 0 && c.misses.Add(1)%replaceEvery == 0 {
		free = int(first % uint(len(c.slots)))
	}
	if free >= 0 && n <= maxCachedKey {
		c.slots[free].Store(&cachedKey{strings.Clone(key), m})
	}
	return m
}
