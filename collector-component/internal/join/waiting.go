// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package join

import "time"

// wait is a log that waits.
type wait[T any] struct {
	log          T
	size         int
	until        time.Time
	span         SpanID
	trace        at
	nextInTrace  at
	older, newer at
}

// waiting is the logs that wait, in the order in which they came.
type waiting[T any] struct {
	entries        []wait[T] // that at position i is entries[i-1]
	free           []at
	oldest, newest at
	count, bytes   int
}

func (q *waiting[T]) entry(i at) *wait[T] { return &q.entries[i-1] }

// add adds a log behind all others. before is the last one of its trace, or 0.
func (q *waiting[T]) add(w wait[T], before at) at {
	w.older = q.newest
	var i at
	if n := len(q.free); n > 0 {
		i, q.free = q.free[n-1], q.free[:n-1]
		*q.entry(i) = w
	} else {
		q.entries = append(q.entries, w)
		i = at(len(q.entries))
	}
	if before != 0 {
		q.entry(before).nextInTrace = i
	}
	if q.newest != 0 {
		q.entry(q.newest).newer = i
	} else {
		q.oldest = i
	}
	q.newest = i
	q.count++
	q.bytes += w.size
	return i
}

// remove removes a log and returns it.
func (q *waiting[T]) remove(i at) wait[T] {
	w := *q.entry(i)
	if w.newer != 0 {
		q.entry(w.newer).older = w.older
	} else {
		q.newest = w.older
	}
	if w.older != 0 {
		q.entry(w.older).newer = w.newer
	} else {
		q.oldest = w.newer
	}
	*q.entry(i) = wait[T]{}
	q.free = append(q.free, i)
	q.count--
	q.bytes -= w.size
	if q.count == 0 { // a crowd's memory is not kept
		q.entries, q.free = nil, nil
	}
	return w
}
