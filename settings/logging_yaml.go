// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of a YAML file, so that aliases of aliases do not fill the memory.
const (
	maxYAMLNodes = 100_000
	maxYAMLDepth = 100
)

// parseYAML reads a document whose root is a table, by the rules of PyYAML's
// safe_load, which are those of YAML 1.1: yes and on are booleans, 010 is eight. Of
// equal keys the last one holds. Errors begin with the line: "3: ...".
func parseYAML(text string) (map[string]any, error) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("1: is empty; want a table")
	case err != nil:
		return nil, yamlError(err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, yamlError(err)
		}
		return nil, errors.New("1: has more than one document")
	}
	var r yamlReader
	v, err := r.value(document.Content[0], 0)
	if err != nil {
		return nil, err
	}
	table, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%d: want a table", document.Content[0].Line)
	}
	return table, nil
}

var (
	yamlLine  = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	yamlQuote = regexp.MustCompile(`'[^']*'`) // of the file, which secrets may have been filled into
)

// yamlError is an error of the parser in our form.
func yamlError(err error) error {
	text := yamlQuote.ReplaceAllString(err.Error(), "'…'")
	found := yamlLine.FindStringSubmatch(text)
	if found == nil {
		return errors.New("1: is no YAML: " + text)
	}
	line := found[1]
	if line == "" {
		line = "1"
	}
	return errors.New(line + ": is no YAML: " + text[len(found[0]):])
}

// yamlReader counts what it has read.
type yamlReader struct{ nodes int }

func (r *yamlReader) value(n *yaml.Node, depth int) (any, error) {
	r.nodes++
	if r.nodes > maxYAMLNodes || depth > maxYAMLDepth {
		return nil, fmt.Errorf("%d: is too large, or nested too deep", n.Line)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return r.value(n.Alias, depth+1)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			v, err := r.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		return r.table(n, depth)
	case yaml.ScalarNode:
		return scalar(n)
	}
	return nil, fmt.Errorf("%d: cannot be read", n.Line)
}

// table reads a mapping; what "<<" merges yields to its own keys.
func (r *yamlReader) table(n *yaml.Node, depth int) (map[string]any, error) {
	table := make(map[string]any)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Style == 0 {
			if err := r.merge(table, n.Content[i+1], depth+1); err != nil {
				return nil, err
			}
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		node := n.Content[i]
		if node.Kind == yaml.ScalarNode && node.Value == "<<" && node.Style == 0 {
			continue
		}
		key, err := r.value(node, depth+1)
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, fmt.Errorf("%d: a key that is no text; put it in quotes", node.Line)
		}
		if table[name], err = r.value(n.Content[i+1], depth+1); err != nil {
			return nil, err
		}
	}
	return table, nil
}

// merge adds the keys of a table, or of a list of tables of which the first wins,
// that are not there yet.
func (r *yamlReader) merge(table map[string]any, n *yaml.Node, depth int) error {
	v, err := r.value(n, depth)
	if err != nil {
		return err
	}
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	for _, item := range list {
		from, ok := item.(map[string]any)
		if !ok {
			return fmt.Errorf("%d: << wants a table or a list of tables", n.Line)
		}
		for key, v := range from {
			if _, ok := table[key]; !ok {
				table[key] = v
			}
		}
	}
	return nil
}

// The forms of scalars without quotes, as PyYAML knows them.
var (
	yamlInt   = regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	yamlFloat = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
	yamlBools = map[string]bool{"yes": true, "true": true, "on": true, "no": false, "false": false, "off": false}
)

// scalar reads a text, number, boolean or nothing.
func scalar(n *yaml.Node) (any, error) {
	plain := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	if n.Style&yaml.TaggedStyle != 0 {
		switch n.Tag {
		case "!!str":
			return n.Value, nil
		case "!!int", "!!float", "!!bool", "!!null":
			plain = true
		default:
			return nil, fmt.Errorf("%d: the tag %s cannot be read", n.Line, cut(n.Tag))
		}
	}
	if !plain {
		return n.Value, nil
	}
	switch text := n.Value; {
	case text == "" || text == "~" || text == "null" || text == "Null" || text == "NULL":
		return nil, nil
	case yamlInt.MatchString(text):
		i, err := yamlInteger(text)
		if err != nil {
			return nil, fmt.Errorf("%d: a number that is too large", n.Line)
		}
		return i, nil
	case yamlFloat.MatchString(text):
		return yamlNumber(text), nil
	case text == strings.ToLower(text) || text == strings.ToUpper(text) || text[1:] == strings.ToLower(text[1:]):
		if b, ok := yamlBools[strings.ToLower(text)]; ok {
			return b, nil
		}
	}
	return n.Value, nil
}

// yamlInteger reads a whole number in base 2, 8, 10, 16 or, with colons, 60.
func yamlInteger(text string) (int64, error) {
	text = strings.ReplaceAll(text, "_", "")
	digits := strings.TrimLeft(text, "+-")
	sign := text[:len(text)-len(digits)]
	if strings.Contains(digits, ":") {
		var n int64
		for part := range strings.SplitSeq(digits, ":") {
			i, err := strconv.ParseInt(part, 10, 32)
			if err != nil || n > math.MaxInt64/100 {
				return 0, strconv.ErrRange
			}
			n = n*60 + i
		}
		if sign == "-" {
			n = -n
		}
		return n, nil
	}
	if digits == "0" {
		return 0, nil
	}
	return strconv.ParseInt(sign+digits, 0, 64) // base 0 reads 0b, 0x and a leading 0 as YAML 1.1 does
}

// yamlNumber reads a number with a point.
func yamlNumber(text string) float64 {
	text = strings.ToLower(strings.ReplaceAll(text, "_", ""))
	digits := strings.TrimLeft(text, "+-")
	sign := 1.0
	if strings.HasPrefix(text, "-") {
		sign = -1
	}
	if digits == ".nan" {
		return math.NaN()
	}
	if digits == ".inf" {
		return math.Inf(int(sign))
	}
	var total float64
	for part := range strings.SplitSeq(digits, ":") {
		f, _ := strconv.ParseFloat(part, 64) // what is too large is infinite, as in Python
		total = total*60 + f
	}
	return sign * total
}
