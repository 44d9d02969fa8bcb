// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// errPortTaken says that another process got the port between our looking and the server's binding.
var errPortTaken = errors.New("its port was taken meanwhile")

// awaitHealth returns when the server answers GET /health, and /admin/version as the release it should be. It gives up
// when the process ends or ctx does.
func (s *Server) awaitHealth(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var healthy bool
		err := s.api.Do(ctx, "GET", "/health", nil, &healthy)
		if err == nil && healthy {
			break
		}
		select {
		case <-s.program.exited:
			// uvicorn: "[Errno 98] error while attempting to bind on address ...: address already in use"
			if strings.Contains(s.Output(), "address already in use") {
				return errPortTaken
			}
			return fmt.Errorf("its process ended with exit code %d", s.program.exitCode())
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-tick.C:
		}
	}
	var version string
	if err := s.api.Do(ctx, "GET", "/admin/version", nil, &version); err != nil {
		return err
	}
	if version != s.release.exact {
		return fmt.Errorf("it answers as prefect %q", version)
	}
	return nil
}
