// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package settings_test

import (
	"testing"

	"github.com/prefectlogs/prefectlogs/settings"
)

func BenchmarkLoad(b *testing.B) {
	files := map[string]string{
		"work/.env":           "PREFECT_API_KEY=k\nOTHER='x'\n",
		"work/prefect.toml":   "[logging]\nlevel = 'ERROR'\n",
		"work/pyproject.toml": "[project]\nname = 'p'\n[tool.prefect.logging.to_api]\nbatch_size = 2000000\n",
		profiles:              "active = 'a'\n[profiles.a]\nPREFECT_API_URL = 'https://h/api'\n",
	}
	environ := []string{"PREFECT_CLIENT_MAX_RETRIES=3", "PATH=/bin", "LANG=C.UTF-8", "TERM=xterm"}
	for name, opts := range map[string][]settings.Option{
		"files=none": append(layOut(b, files, environ...), settings.WithoutFiles()),
		"files=all":  layOut(b, files, environ...),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := settings.Load(opts...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
