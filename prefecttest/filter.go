// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefecttest

import (
	"net/http"
	"slices"
	"time"
)

// pageLimit is the most that a filter returns at once, PREFECT_SERVER_API_DEFAULT_LIMIT's default.
const pageLimit = 200

// reader reads a body that is an object, keeping every problem in it. In a filter, absent and null parts are no
// condition.
type reader struct {
	validator
	body value
}

// readFilter decodes the body of a filter; an empty one is a filter of nothing.
func (s *Server) readFilter(r *http.Request, body []byte) (*reader, *answer) {
	if len(body) == 0 {
		return &reader{validator: validator{generation: s.generation, database: s.database}, body: value{kind: object}}, nil
	}
	return s.readObject(r, body)
}

// readObject decodes a body that must be there.
func (s *Server) readObject(r *http.Request, body []byte) (*reader, *answer) {
	v, refused := s.decode(r, body)
	if refused != nil {
		return nil, refused
	}
	f := &reader{validator: validator{generation: s.generation, database: s.database}, body: v}
	if v.kind != object {
		f.refuse(v, notObject)
	}
	return f, nil
}

// refused is the answer to the problems found, if there are any.
func (f *reader) refused() *answer {
	if len(f.details) > 0 {
		a := refusal(f.generation, f.details, f.body)
		return &a
	}
	if f.absent {
		a := internalError()
		return &a
	}
	return nil
}

// object returns a part whose keys are all known. Only the whole body may have others, which are not looked at.
func (f *reader) object(v value, loc []any, known ...string) (value, bool) {
	if v.kind == null {
		return v, false
	}
	if v.kind != object {
		f.refuse(v, notObject, loc...)
		return v, false
	}
	for i, key := range v.keys {
		if !slices.Contains(known, key) {
			f.refuse(v.items[i], extra, at(loc, key)...)
		}
	}
	return v, true
}

// at is a place within loc, which stays as it is.
func at(loc []any, more ...any) []any { return slices.Concat(loc, more) }

// int returns a whole number, nil for none.
func (f *reader) int(v value, loc ...any) *int64 {
	if v.kind == null {
		return nil
	}
	n, p := f.validator.int(v)
	if p != nil {
		f.refuse(v, *p, loc...)
		return nil
	}
	if !n.IsInt64() {
		f.refuse(v, largeInt, loc...)
		return nil
	}
	return new(n.Int64())
}

// time returns a time stamp, nil for none.
func (f *reader) time(v value, loc ...any) *time.Time {
	if v.kind == null {
		return nil
	}
	t, p := f.timestamp(v)
	if p != nil {
		f.refuse(v, *p, loc...)
		return nil
	}
	if f.database == PostgreSQL {
		t = asPostgreSQL(t)
	}
	return &t
}

// ids is a condition on an id; the zero value is none.
type ids struct {
	any    []string // nil for no such condition
	isNull *bool
}

func (c ids) passes(id string) bool {
	return (c.any == nil || slices.Contains(c.any, id)) && (c.isNull == nil || *c.isNull == (id == ""))
}

func (c ids) empty() bool { return c.any == nil && c.isNull == nil }

// ids reads {"any_": [...]} at key of parent, and "is_null_" where it is known.
func (f *reader) ids(parent value, key string, loc []any, known ...string) ids {
	var c ids
	v, _ := parent.get(key)
	loc = at(loc, key)
	if v, ok := f.object(v, loc, append(known, "any_")...); ok {
		if all, _ := v.get("any_"); all.kind == list {
			c.any = []string{}
			for i, item := range all.items {
				id, p := f.uuid(item, false)
				if p != nil {
					f.refuse(item, *p, at(loc, "any_", i)...)
				}
				c.any = append(c.any, id)
			}
		} else if all.kind != null {
			f.refuse(all, notList, at(loc, "any_")...)
		}
		if isNull, _ := v.get("is_null_"); isNull.kind == boolean {
			c.isNull = new(isNull.text == "true")
		}
	}
	return c
}

// page is the part of a result that is asked for.
type page struct{ limit, offset int64 }

// page reads limit and offset, and the answer to a limit the server does not grant.
func (f *reader) page() (page, *answer) {
	p := page{limit: pageLimit}
	limit, _ := f.body.get("limit")
	if n := f.int(limit, "limit"); n != nil {
		p.limit = *n
	}
	offset, _ := f.body.get("offset")
	if n := f.int(offset, "offset"); n != nil {
		if p.offset = *n; *n < 0 {
			f.refuse(offset, negative, "offset")
		}
	}
	if a := f.refused(); a != nil {
		return p, a
	}
	msg := ""
	switch {
	case p.limit < 0:
		msg = "Invalid limit: must be greater than or equal to 0."
	case p.limit > pageLimit:
		msg = "Invalid limit: must be less than or equal to 200."
	default:
		return p, nil
	}
	a := plain(http.StatusUnprocessableEntity, msg)
	return p, &a
}

// cut returns the page of all results.
func cut[T any](p page, all []T) []T {
	from := min(int(p.offset), len(all))
	return all[from:min(from+int(p.limit), len(all))]
}
