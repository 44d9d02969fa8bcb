// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package console

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/prefectlogs/prefectlogs/mapping"
)

// Format is how lines are laid out. The zero Format shows the message alone, as
// Python's logging does.
type Format struct {
	// JSON is "default" for a line of JSON, "pretty" for JSON with indents, ""
	// for text. Anything else makes [New] fail.
	JSON string
	// Text is a %-format of Python's logging: "%(levelname)-7s | %(message)s".
	Text string
	// FlowRun and TaskRun are those of the loggers prefect.flow_runs and
	// prefect.task_runs; "" is Text.
	FlowRun, TaskRun string
	// Date is the strftime format of asctime; "" is "%Y-%m-%d %H:%M:%S" and
	// milliseconds behind a comma. Times are local.
	Date string
}

// Standard is Prefect's formatter standard.
func Standard() Format {
	const head = "%(asctime)s.%(msecs)03d | %(levelname)-7s | "
	return Format{
		Text:    head + "%(name)s - %(message)s",
		FlowRun: head + "Flow run %(flow_run_name)r - %(message)s",
		TaskRun: head + "Task run %(task_run_name)r - %(message)s",
		Date:    "%H:%M:%S",
	}
}

// Simple is Prefect's formatter simple: time and message.
func Simple() Format {
	return Format{Text: "%(asctime)s.%(msecs)03d | %(message)s", Date: "%H:%M:%S"}
}

// Debug is Prefect's formatter debug: standard with the name of the thread, which
// is "-" here.
func Debug() Format {
	return Format{Text: "%(asctime)s.%(msecs)03d | %(levelname)-7s | %(threadName)-12s | %(name)s - %(message)s", Date: "%H:%M:%S"}
}

// JSON is Prefect's JsonFormatter; its format is "default" or "pretty". Another one
// makes [New] fail.
func JSON(format string) Format {
	if format == "" {
		format = "\"\"" // is not the text that stands for no JSON
	}
	return Format{JSON: format}
}

// layout makes lines.
type layout interface {
	append(dst []byte, r *record) []byte
}

func newLayout(f Format) (layout, error) {
	switch f.JSON {
	case "default", "pretty":
		return jsonLayout{pretty: f.JSON == "pretty"}, nil
	case "":
	default:
		return nil, fmt.Errorf("console: the format of JSON is %s; want default or pretty", f.JSON)
	}
	l := &textLayout{date: f.Date}
	var errs [3]error
	l.text, errs[0] = parseFormat(f.Text)
	l.flowRun, errs[1] = parseFormat(f.FlowRun)
	l.taskRun, errs[2] = parseFormat(f.TaskRun)
	if f.Text == "" {
		l.text = []piece{{name: "message", verb: 's', spec: "%s"}}
	}
	return l, errors.Join(errs[:]...)
}

// textLayout is a % format, and those of run loggers.
type textLayout struct {
	text, flowRun, taskRun []piece
	date                   string
	colors                 bool
}

// piece is a text, or a field with the spec by which package fmt shows it.
type piece struct {
	text string
	name string
	verb byte // Python's
	spec string
}

var fieldForm = regexp.MustCompile(`^%\((\w+)\)([#0+ -]*)(\d+)?(\.\d+)?([diouxXeEfFgGcrsa%])`)

func parseFormat(format string) (pieces []piece, err error) {
	for rest := format; rest != ""; {
		text, field, _ := strings.Cut(rest, "%")
		if text != "" {
			pieces = append(pieces, piece{text: text})
		}
		if len(text) == len(rest) {
			break
		}
		field = "%" + field
		if strings.HasPrefix(field, "%%") {
			pieces, rest = append(pieces, piece{text: "%"}), field[2:]
			continue
		}
		found := fieldForm.FindStringSubmatch(field)
		if found == nil {
			return nil, fmt.Errorf("console: the format has %q, which is no field such as %%(message)s; write %%%% for the sign itself", field[:min(len(field), 20)])
		}
		name := found[1]
		if speaksOfSecret(name) {
			return nil, fmt.Errorf("console: the format asks for %%(%s), whose name speaks of a secret", name)
		}
		if found[5] == "%" {
			pieces, rest = append(pieces, piece{text: "%"}), field[len(found[0]):]
			continue
		}
		p := piece{name: name, verb: found[5][0], spec: "%" + found[2] + found[3] + found[4]}
		switch p.verb {
		case 'r', 'a':
			p.spec += "s"
		case 'i', 'u':
			p.spec += "d"
		case 'F':
			p.spec += "f"
		default:
			p.spec += string(p.verb)
		}
		pieces, rest = append(pieces, p), field[len(found[0]):]
	}
	return pieces, nil
}

func speaksOfSecret(name string) bool {
	for _, pattern := range mapping.DefaultDeny() {
		if ok, _ := path.Match(pattern, strings.ToLower(name)); ok {
			return true
		}
	}
	return false
}

// The colours of levels, as the logging.yml of Prefect has them.
var levelColors = [6]string{2: "\x1b[36m", 3: "\x1b[33m", 4: "\x1b[31m", 5: "\x1b[91m"}

func (l *textLayout) append(dst []byte, r *record) []byte {
	pieces := l.text
	switch {
	case r.name == "prefect.flow_runs" && l.flowRun != nil:
		pieces = l.flowRun
	case r.name == "prefect.task_runs" && l.taskRun != nil:
		pieces = l.taskRun
	}
	for _, p := range pieces {
		switch {
		case p.name == "":
			dst = append(dst, p.text...)
		case p.name == "levelname" && l.colors && r.level < 60 && levelColors[r.level/10] != "":
			dst = append(dst, levelColors[r.level/10]...)
			dst = p.append(dst, r.field(p.name))
			dst = append(dst, "\x1b[0m"...)
		case p.name == "asctime":
			dst = p.append(dst, l.asctime(r))
		default:
			dst = p.append(dst, r.field(p.name))
		}
	}
	return dst
}

func (l *textLayout) asctime(r *record) string {
	if l.date != "" {
		return strftime(l.date, r.time)
	}
	return strftime("%Y-%m-%d %H:%M:%S", r.time) + fmt.Sprintf(",%03d", r.time.Nanosecond()/1e6)
}

// append shows a value by the spec, as Python's % does. What a spec for numbers
// does not fit is shown as text.
func (p piece) append(dst []byte, value any) []byte {
	switch p.verb {
	case 's', 'r', 'a':
		text, isText := value.(string)
		if !isText {
			text = number(value)
		} else if p.verb != 's' {
			text = quote(text)
		}
		return fmt.Appendf(dst, p.spec, text)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		switch v := value.(type) {
		case int64:
			return fmt.Appendf(dst, p.spec, float64(v))
		case float64:
			return fmt.Appendf(dst, p.spec, v)
		}
	default:
		switch v := value.(type) {
		case int64:
			return fmt.Appendf(dst, p.spec, v)
		case float64:
			return fmt.Appendf(dst, p.spec, int64(v))
		}
	}
	text, isText := value.(string)
	if !isText {
		text = number(value)
	}
	return append(dst, text...)
}

func number(value any) string {
	if f, ok := value.(float64); ok {
		text := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
	}
	return fmt.Sprint(value)
}

// quote is a text as Python's repr shows it.
func quote(text string) string {
	sign := byte('\'')
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		sign = '"'
	}
	out := []byte{sign}
	for _, c := range text {
		switch {
		case c == '\\' || c == rune(sign):
			out = append(out, '\\', byte(c))
		case c == '\n':
			out = append(out, `\n`...)
		case c == '\r':
			out = append(out, `\r`...)
		case c == '\t':
			out = append(out, `\t`...)
		case c < ' ' || c == 0x7f:
			out = fmt.Appendf(out, `\x%02x`, c)
		case !unicode.IsPrint(c) && c <= 0xff:
			out = fmt.Appendf(out, `\x%02x`, c)
		case !unicode.IsPrint(c) && c <= 0xffff:
			out = fmt.Appendf(out, `\u%04x`, c)
		case !unicode.IsPrint(c):
			out = fmt.Appendf(out, `\U%08x`, c)
		default:
			out = append(out, string(c)...)
		}
	}
	return string(append(out, sign))
}
