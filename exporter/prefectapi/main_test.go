// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectapi_test

import (
	"testing"

	"github.com/prefectlogs/prefectlogs/internal/servers/serverstest"
)

func TestMain(m *testing.M) { serverstest.Main(m) }
