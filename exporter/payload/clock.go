// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package payload

import "time"

// Clock writes stamps, in the fixed-width form that every server version reads.
// It remembers the second written last, which most records of a program share.
// The zero Clock is ready for use. It is not safe for concurrent use.
type Clock struct {
	second int64 // since 1970
	text   [len("2006-01-02T15:04:05.")]byte
	known  bool
}

// AppendHead appends the first half of what the function [AppendHead] does, up to the
// stamp. [AppendRun] appends the other one.
func (c *Clock) AppendHead(dst []byte, level int, micros int64) []byte {
	level = min(max(level, 10), 59)
	dst = append(dst, `{"level":`...)
	dst = append(dst, byte('0'+level/10), byte('0'+level%10))
	dst = append(dst, `,"timestamp":"`...)
	return c.append(dst, micros)
}

// SetStamp overwrites the stamp of a line, in microseconds since 1970, UTC.
func (c *Clock) SetStamp(line []byte, micros int64) {
	c.append(line[stampAt:stampAt], micros)
}

// SetStamp is that of a [Clock].
func SetStamp(line []byte, micros int64) { new(Clock).SetStamp(line, micros) }

func (c *Clock) append(dst []byte, micros int64) []byte {
	micros = min(max(micros, minMicros), maxMicros)
	second, fraction := micros/1e6, micros%1e6
	if fraction < 0 {
		second, fraction = second-1, fraction+1e6
	}
	if second != c.second || !c.known {
		c.turn(second)
	}
	dst = append(dst, c.text[:]...)
	return append(dst,
		byte('0'+fraction/100_000), byte('0'+fraction/10_000%10), byte('0'+fraction/1000%10),
		byte('0'+fraction/100%10), byte('0'+fraction/10%10), byte('0'+fraction%10), 'Z')
}

// turn makes second the one that is remembered.
func (c *Clock) turn(second int64) {
	t := time.Unix(second, 0).UTC()
	year, month, day := t.Date()
	hour, minute, sec := t.Clock()
	c.second, c.known = second, true
	c.text = [...]byte{
		byte('0' + year/1000), byte('0' + year/100%10), byte('0' + year/10%10), byte('0' + year%10), '-',
		byte('0' + month/10), byte('0' + month%10), '-',
		byte('0' + day/10), byte('0' + day%10), 'T',
		byte('0' + hour/10), byte('0' + hour%10), ':',
		byte('0' + minute/10), byte('0' + minute%10), ':',
		byte('0' + sec/10), byte('0' + sec%10), '.',
	}
}
