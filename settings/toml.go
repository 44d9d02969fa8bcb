// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"

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
		return nil, fmt.Errorf("%s:%d: not valid TOML at column %d; a text needs quotes", path, line, column)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: not valid TOML; look for a key or table that is there twice", path)
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

// line returns the line on which the value at a path of keys is set, 0 when
// it is not found.
func (f *tomlFile) line(keys ...string) int {
	var p unstable.Parser
	p.Reset(f.text)
	var table []string
	inArray := false
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table, inArray = keysOf(e), e.Kind == unstable.ArrayTable
		case unstable.KeyValue:
			if inArray {
				continue
			}
			if node := find(e, table, keys); node != nil {
				return p.Shape(node.Raw).Start.Line
			}
		}
	}
	return 0
}

// find looks for keys in the key-value pair e of a table, and in the inline
// table that may be its value. It returns the node of the last key.
func find(e *unstable.Node, table, keys []string) *unstable.Node {
	path := append(table[:len(table):len(table)], keysOf(e)...)
	if len(path) > len(keys) {
		return nil
	}
	for i := range path {
		if path[i] != keys[i] {
			return nil
		}
	}
	if len(path) == len(keys) {
		last := e.Key()
		var node *unstable.Node
		for last.Next() {
			node = last.Node()
		}
		return node
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

func keysOf(e *unstable.Node) []string {
	var keys []string
	it := e.Key()
	for it.Next() {
		keys = append(keys, string(it.Node().Data))
	}
	return keys
}
