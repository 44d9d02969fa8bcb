// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// tomlFile is a TOML document whose values can be traced to their lines.
type tomlFile struct {
	path string
	text []byte
	data map[string]any
}

// parseTOML reads a document. Its error tells where, and never what stands
// there: that may be a secret that lacks its quotes.
func parseTOML(path string, text []byte) (*tomlFile, error) {
	f := &tomlFile{path: path, text: text}
	err := toml.Unmarshal(text, &f.data)
	if decodeErr, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, column := decodeErr.Position()
		return nil, fmt.Errorf("%s:%d: not valid TOML at column %d; look for a text without quotes, or a key that is there twice", path, line, column)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: not valid TOML; look for a key that is there twice", path)
	}
	return f, nil
}

// at returns what stands at a path of keys.
func (f *tomlFile) at(keys ...string) (any, bool) {
	var found any = f.data
	for _, key := range keys {
		table, ok := found.(map[string]any)
		if !ok {
			return nil, false
		}
		if found, ok = table[key]; !ok {
			return nil, false
		}
	}
	return found, true
}

// line returns the line on which a path of keys is set, as a value or as a
// table; 0 when it is not found.
func (f *tomlFile) line(keys ...string) int {
	var p unstable.Parser
	p.Reset(f.text)
	var table []string
	inArray := false // below an array of tables, which holds no settings
	for p.NextExpression() {
		e := p.Expression()
		var node *unstable.Node
		switch e.Kind {
		case unstable.Table:
			table, inArray = keysOf(e), false
			if slices.Equal(table, keys) {
				node = lastKey(e)
			}
		case unstable.ArrayTable:
			inArray = true
		case unstable.KeyValue:
			if !inArray {
				node = find(e, table, keys)
			}
		}
		if node != nil {
			return p.Shape(node.Raw).Start.Line
		}
	}
	return 0
}

// find looks for keys in the key-value pair e of a table, and in the inline
// table that may be its value. It returns the node of the last key.
func find(e *unstable.Node, table, keys []string) *unstable.Node {
	path := append(table[:len(table):len(table)], keysOf(e)...)
	if len(path) > len(keys) || !slices.Equal(path, keys[:len(path)]) {
		return nil
	}
	if len(path) == len(keys) {
		return lastKey(e)
	}
	if e.Value().Kind != unstable.InlineTable {
		return nil
	}
	children := e.Value().Children()
	for children.Next() {
		if node := find(children.Node(), path, keys); node != nil {
			return node
		}
	}
	return nil
}

func lastKey(e *unstable.Node) *unstable.Node {
	var last *unstable.Node
	it := e.Key()
	for it.Next() {
		last = it.Node()
	}
	return last
}

func keysOf(e *unstable.Node) []string {
	var keys []string
	it := e.Key()
	for it.Next() {
		keys = append(keys, string(it.Node().Data))
	}
	return keys
}
