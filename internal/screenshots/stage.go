// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/prefectlogs/prefectlogs/internal/servers"
)

//go:embed flow.py
var flow string

// shop is the program's package.
const shop = "github.com/prefectlogs/prefectlogs/internal/screenshots/shop"

// stage runs the flow to its end, with the program in its tasks, and gives the id of its run. All logs are stored then.
func stage(ctx context.Context, s *servers.Server) (flowRun string, err error) {
	folder, err := os.MkdirTemp("", "prefectlogs-screenshots-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	program := filepath.Join(folder, "shop")
	// A picture shows no folder of the machine it was made on.
	if out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, shop).CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", shop, err, out)
	}
	cmd := exec.CommandContext(ctx, s.Python(), "-")
	cmd.Dir, cmd.Stdin, cmd.Env = folder, strings.NewReader(flow), append(s.Env(), "SHOP="+program)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("running the flow: %w\n%s", err, said.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}
