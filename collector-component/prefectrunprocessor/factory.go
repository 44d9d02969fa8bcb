// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectrunprocessor

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/processor"
)

// Type is the processor's name in configurations.
var Type = component.MustNewType("prefectrun")

// NewFactory returns the factory of the processor, which takes traces and logs. Pipelines of one factory that name one
// id of the processor share one instance of it.
func NewFactory() processor.Factory {
	shared := &instances{byKey: map[key]*core{}}
	return processor.NewFactory(Type,
		func() component.Config { return createDefaultConfig() },
		processor.WithTraces(func(_ context.Context, set processor.Settings, config component.Config, next consumer.Traces) (processor.Traces, error) {
			c, err := shared.get(set, config.(*Config))
			if err != nil {
				return nil, err
			}
			return &tracesProcessor{user: user{core: c}, next: next}, nil
		}, component.StabilityLevelAlpha),
		processor.WithLogs(func(_ context.Context, set processor.Settings, config component.Config, next consumer.Logs) (processor.Logs, error) {
			c, err := shared.get(set, config.(*Config))
			if err != nil {
				return nil, err
			}
			return newLogsProcessor(c, next), nil
		}, component.StabilityLevelAlpha))
}

// instances are the cores in use. The configuration is part of the key, so that one that was made for a configuration
// and never used is not taken for another.
type instances struct {
	mu    sync.Mutex // guards byKey, and users of each core
	byKey map[key]*core
}

type key struct {
	id     component.ID
	config *Config
}

// get returns the core of a component with one more user.
func (i *instances) get(set processor.Settings, config *Config) (*core, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	k := key{set.ID, config}
	c, ok := i.byKey[k]
	if !ok {
		var err error
		if c, err = newCore(set, config); err != nil {
			return nil, err
		}
		c.release = func() bool { return i.release(k) }
		i.byKey[k] = c
	}
	c.users++
	return c, nil
}

// release takes a user off a core and reports whether it was the last one.
func (i *instances) release(k key) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	c := i.byKey[k]
	if c == nil {
		return false
	}
	if c.users--; c.users > 0 {
		return false
	}
	delete(i.byKey, k)
	return true
}

// user is a component that shares a core.
type user struct {
	core *core
	once sync.Once // of leaving
}

// leave ends the use of the core, and the core with its last user.
func (u *user) leave() {
	u.once.Do(func() {
		if u.core.release() {
			u.core.stop()
		}
	})
}
