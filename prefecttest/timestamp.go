// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// timestamp reads a time stamp as the generation does: the result is in UTC, truncated to the microsecond, and may lie
// outside of the years 1 to 9999, which only the database minds.
func (v *validator) timestamp(x value) (time.Time, *problem) {
	switch x.kind {
	case null:
		return time.Time{}, &nullTimestamp
	case text:
		if v.generation.modern() && digits(x.text) { // a number in quotes, not the date 20261122
			if t, ok := parseUnix(x.text); ok {
				return t, nil
			}
		} else if t, ok := parseTimestamp(x.text, v.generation.modern()); ok {
			return t, nil
		}
		p := notTimestampText(x.text)
		if v.generation == Orion27 && x.text == "" {
			p = notTimestamp
		}
		return time.Time{}, &p
	case integer, float:
		if t, ok := parseUnix(x.text); ok && v.generation.modern() {
			return t, nil
		}
	}
	return time.Time{}, &notTimestamp
}

// parseUnix reads a number: seconds, or milliseconds where seconds would be beyond the year 2600.
func parseUnix(s string) (time.Time, bool) {
	f, ok := new(big.Float).SetPrec(128).SetString(s)
	if !ok || f.IsInf() || f.MantExp(nil) > 63 {
		return time.Time{}, false
	}
	if limit := big.NewFloat(2e10); new(big.Float).Abs(f).Cmp(limit) <= 0 {
		f.Mul(f, big.NewFloat(1000))
	}
	micros, _ := f.Mul(f, big.NewFloat(1000)).Int(nil)
	if !micros.IsInt64() {
		return time.Time{}, false
	}
	t := time.UnixMicro(micros.Int64()).UTC()
	return t, inRange(t)
}

// inRange reports whether a database can hold t.
func inRange(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }

// parseTimestamp reads the ISO 8601 forms that the servers take: extended or basic, a date alone, any number of
// fraction digits, an offset or none for UTC. Only lenient (3.x) takes lower case letters and an underscore. (Weeks,
// days of the year and times without a date, which they also take, are not played.)
func parseTimestamp(s string, lenient bool) (time.Time, bool) {
	if lenient {
		s = strings.ToUpper(s)
	}
	year, month, day, rest, ok := scanDate(s)
	if !ok {
		return time.Time{}, false
	}
	date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if year < 1 || month < 1 || date.Day() != day || int(date.Month()) != month {
		return time.Time{}, false
	}
	if rest == "" {
		return date, true
	}
	if rest[0] != 'T' && rest[0] != ' ' && !(lenient && rest[0] == '_') {
		return time.Time{}, false
	}
	clock, offset, ok := scanClock(rest[1:])
	if offset.Abs() >= 24*time.Hour { // read, and then refused by the database
		return time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), ok
	}
	return date.Add(clock - offset), ok
}

// scanDate reads YYYY-MM-DD or YYYYMMDD.
func scanDate(s string) (year, month, day int, rest string, ok bool) {
	if len(s) >= 10 && s[4] == '-' && s[7] == '-' {
		s, rest = s[:4]+s[5:7]+s[8:10], s[10:]
	} else if len(s) >= 8 {
		s, rest = s[:8], s[8:]
	}
	if len(s) != 8 || !digits(s) {
		return 0, 0, 0, "", false
	}
	return number(s[:4]), number(s[4:6]), number(s[6:]), rest, true
}

// scanClock reads HH[:MM[:SS[.f]]] or HHMMSS and the offset after it.
func scanClock(s string) (clock, offset time.Duration, ok bool) {
	zone := ""
	if i := strings.IndexAny(s, "Z+-"); i >= 0 {
		s, zone = s[:i], s[i:]
	}
	s, fraction, hasFraction := strings.Cut(strings.Replace(s, ",", ".", 1), ".")
	if hasFraction && (fraction == "" || !digits(fraction)) {
		return 0, 0, false
	}
	h, m, sec, ok := sexagesimal(s)
	if !ok || h > 23 || m > 59 || sec > 59 {
		return 0, 0, false
	}
	clock = time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(sec)*time.Second
	clock += time.Duration(number((fraction + "000000")[:6])) * time.Microsecond
	switch {
	case zone == "" || zone == "Z":
		return clock, 0, true
	case zone[0] == 'Z':
		return 0, 0, false
	}
	h, m, sec, ok = sexagesimal(zone[1:])
	if !ok || m > 59 || sec != 0 {
		return 0, 0, false
	}
	offset = time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if zone[0] == '-' {
		offset = -offset
	}
	return clock, offset, true
}

// sexagesimal reads two, four or six digits with colons between all pairs or none.
func sexagesimal(s string) (h, m, sec int, ok bool) {
	plain := strings.ReplaceAll(s, ":", "")
	if !digits(plain) || len(plain)%2 != 0 || len(plain) > 6 {
		return 0, 0, 0, false
	}
	pairs := len(plain) / 2
	if len(s) != len(plain) && (len(s) != len(plain)+pairs-1 || s[2] != ':' || pairs == 3 && s[5] != ':') {
		return 0, 0, 0, false
	}
	plain = (plain + "0000")[:6]
	return number(plain[:2]), number(plain[2:4]), number(plain[4:]), true
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// number reads digits that were checked before.
func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// asPostgreSQL is t as it comes back from PostgreSQL: the driver sends seconds since 2000 as a floating point number, so
// beyond the years 1728 to 2271 microseconds are rounded away, and the last ones of 9999 become the year 10000.
func asPostgreSQL(t time.Time) time.Time {
	epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	seconds := float64(t.Unix()-epoch) + float64(t.Nanosecond())/1e9
	whole, fraction := math.Modf(seconds)
	return time.Unix(epoch+int64(whole), int64(math.Round(fraction*1e6))*1000).UTC()
}

// formatTimestamp writes t as the server answers it: microseconds, or no fraction at all when it is zero.
func formatTimestamp(g Generation, t time.Time) string {
	layout := "2006-01-02T15:04:05"
	if t.Nanosecond() != 0 {
		layout += ".000000"
	}
	zone := "+00:00"
	if g.modern() {
		zone = "Z"
	}
	return t.UTC().Format(layout) + zone
}
