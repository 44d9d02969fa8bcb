// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"fmt"
	"strings"
	"time"
)

// dateCodes are the codes of strftime that are a layout of package time, in the C
// locale.
var dateCodes = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'h': "Jan", 'd': "02", 'e': "_2", 'm': "01", 'y': "06", 'Y': "2006",
	'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'z': "-0700", 'Z': "MST", 'j': "002",
	'c': "Mon Jan _2 15:04:05 2006", 'x': "01/02/06", 'X': "15:04:05", 'D': "01/02/06", 'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04", 'r': "03:04:05 PM",
}

// strftime shows a local time by the codes of C's strftime. What is no code stays
// as it is.
func strftime(format string, t time.Time) string {
	t = t.Local()
	var out strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			out.WriteByte(format[i])
			continue
		}
		i++
		year, week := t.ISOWeek()
		switch code := format[i]; code {
		case '%':
			out.WriteByte('%')
		case 'n':
			out.WriteByte('\n')
		case 't':
			out.WriteByte('\t')
		case 'C':
			fmt.Fprintf(&out, "%02d", t.Year()/100)
		case 'G':
			fmt.Fprintf(&out, "%d", year)
		case 'g':
			fmt.Fprintf(&out, "%02d", year%100)
		case 'V':
			fmt.Fprintf(&out, "%02d", week)
		case 'U': // weeks begin on Sunday
			fmt.Fprintf(&out, "%02d", (t.YearDay()+6-int(t.Weekday()))/7)
		case 'W': // weeks begin on Monday
			fmt.Fprintf(&out, "%02d", (t.YearDay()+6-(int(t.Weekday())+6)%7)/7)
		case 'u':
			fmt.Fprintf(&out, "%d", (int(t.Weekday())+6)%7+1)
		case 'w':
			fmt.Fprintf(&out, "%d", int(t.Weekday()))
		case 's':
			fmt.Fprintf(&out, "%d", t.Unix())
		default:
			layout, ok := dateCodes[code]
			if !ok {
				out.WriteByte('%')
				out.WriteByte(code)
				continue
			}
			out.WriteString(t.Format(layout))
		}
	}
	return out.String()
}
