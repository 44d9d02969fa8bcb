// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"context"
	"maps"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/xextension/storage"
)

var memoryID = component.MustNewID("memory")

// memory is a storage extension that keeps what outlives an exporter in memory.
type memory struct {
	component.StartFunc
	component.ShutdownFunc

	mu      sync.Mutex // guards values
	values  map[string][]byte
	changed *sync.Cond
}

func newMemory() *memory {
	m := &memory{values: map[string][]byte{}}
	m.changed = sync.NewCond(&m.mu)
	return m
}

// Host is a host with this extension.
func (m *memory) Host() component.Host {
	return hostOf{componenttest.NewNopHost(), map[component.ID]component.Component{memoryID: m}}
}

type hostOf struct {
	component.Host
	extensions map[component.ID]component.Component
}

func (h hostOf) GetExtensions() map[component.ID]component.Component { return h.extensions }

// GetClient gives each exporter and signal values of its own.
func (m *memory) GetClient(_ context.Context, _ component.Kind, id component.ID, name string) (storage.Client, error) {
	return &memoryClient{memory: m, prefix: id.String() + "|" + name + "|"}, nil
}

// Drained waits until no item of a queue is left.
func (m *memory) Drained(t *testing.T) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		items := 0
		for key := range maps.Keys(m.values) {
			if name := key[strings.LastIndexByte(key, '|')+1:]; strings.Trim(name, "0123456789") == "" {
				items++
			}
		}
		if items == 0 {
			return
		}
		m.changed.Wait()
	}
}

type memoryClient struct {
	*memory
	prefix string
}

func (c *memoryClient) Get(ctx context.Context, key string) ([]byte, error) {
	op := storage.GetOperation(key)
	err := c.Batch(ctx, op)
	return op.Value, err
}

func (c *memoryClient) Set(ctx context.Context, key string, value []byte) error {
	return c.Batch(ctx, storage.SetOperation(key, value))
}

func (c *memoryClient) Delete(ctx context.Context, key string) error {
	return c.Batch(ctx, storage.DeleteOperation(key))
}

func (c *memoryClient) Batch(_ context.Context, ops ...*storage.Operation) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, op := range ops {
		switch op.Type {
		case storage.Get:
			op.Value = c.values[c.prefix+op.Key]
		case storage.Set:
			c.values[c.prefix+op.Key] = op.Value
		case storage.Delete:
			delete(c.values, c.prefix+op.Key)
		}
	}
	c.changed.Broadcast()
	return nil
}

func (c *memoryClient) Close(context.Context) error { return nil }
