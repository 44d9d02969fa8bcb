// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package servers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports that are looked at. No system gives them to who asks for any port, as a thousand test servers and every
// connection do: Linux begins at 32768, others at 49152. So one that is free now is so still when a program has started that
// is told to listen there, and also while a server that has been killed is down.
const (
	firstPort = 20_000
	lastPort  = 32_000
)

// FreePort finds a loopback port that nobody listens on, for a program that cannot be handed a listener.
func FreePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	for attempt := 1; ; attempt++ {
		port := firstPort + rand.N(lastPort-firstPort)
		listener, err := config.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, listener.Close()
		}
		if attempt == 100 {
			return 0, fmt.Errorf("servers: looking for a free port: %w", err)
		}
	}
}
