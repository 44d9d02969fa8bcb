// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Builder is the Collector's builder of the version that the manifests are for.
const Builder = "go.opentelemetry.io/collector/cmd/builder@v0.162.0"

// attempts is how often modules are asked for.
const attempts = 3

// Source is where our modules come from.
type Source int

// The sources of our modules.
const (
	Repository Source = iota // this tree
	Release                  // a proxy that holds this tree as tagged modules
)

// Build builds the distribution of a manifest in the folder collector-component, or returns what was built of the same content
// before. The result is the path of the program. Builds of one folder must not run at the same time.
func Build(ctx context.Context, component, manifest string, source Source) (string, error) {
	root := filepath.Dir(component)
	files, err := tracked(ctx, root)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(component, manifest))
	if err != nil {
		return "", fmt.Errorf("distribution: %w", err)
	}
	hash, err := content(root, files, text)
	if err != nil {
		return "", err
	}
	kind := map[Source]string{Repository: "repository", Release: "release"}[source]
	folder := filepath.Join(root, ".cache", "collector", strings.TrimSuffix(manifest, ".yaml")+"-"+kind)
	built := filepath.Join(folder, hash, "otelcol")
	if _, err := os.Stat(built); err == nil {
		return built, nil
	}
	if err := os.RemoveAll(folder); err != nil { // builds of other content
		return "", fmt.Errorf("distribution: %w", err)
	}
	work := filepath.Join(folder, hash, "source")
	if err := os.MkdirAll(work, 0o755); err != nil {
		return "", fmt.Errorf("distribution: %w", err)
	}
	environment := append(os.Environ(), "CGO_ENABLED=0")
	version := ""
	if source == Release {
		version = "v0.0.0-20260101000000-" + hash[:12] // of this content alone, so that no cache has another
		proxy := filepath.Join(folder, hash, "proxy")
		if err := writeProxy(proxy, root, version, files); err != nil {
			return "", err
		}
		environment = append(environment, "GONOSUMDB=github.com/prefectlogs/*", "GOPROXY=file://"+filepath.ToSlash(proxy)+","+goproxy(ctx))
	}
	changed, err := rewrite(text, component, work, version)
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, hash, "builder-config.yaml")
	if err := os.WriteFile(path, changed, 0o644); err != nil {
		return "", fmt.Errorf("distribution: %w", err)
	}
	builder := func(args ...string) error {
		cmd := exec.CommandContext(ctx, "go", append([]string{"run", Builder, "--config", path}, args...)...)
		cmd.Dir, cmd.Env = os.TempDir(), environment
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("distribution: building %s: %w\n%s", manifest, err, out)
		}
		return nil
	}
	// What has to be downloaded comes first, and again where a download breaks off.
	err = builder("--skip-compilation")
	for attempt := 1; err != nil && attempt < attempts && ctx.Err() == nil; attempt++ {
		err = builder("--skip-compilation")
	}
	if err == nil {
		err = builder("--skip-generate", "--skip-get-modules")
	}
	if err != nil {
		return "", err
	}
	if err := os.Rename(filepath.Join(work, "otelcol-prefect"), built); err != nil {
		return "", fmt.Errorf("distribution: %w", err)
	}
	return built, nil
}

// goproxy is where modules of others come from.
func goproxy(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "go", "env", "GOPROXY").Output()
	if err != nil {
		return "https://proxy.golang.org,direct"
	}
	return strings.TrimSpace(string(out))
}

// tracked lists the files of the repository, from its root: those that git has or would take.
func tracked(ctx context.Context, root string) ([]string, error) {
	out, err := exec.CommandContext(ctx, "git", "-C", root, "ls-files", "-co", "--exclude-standard", "--deduplicate").Output()
	if err != nil {
		return nil, fmt.Errorf("distribution: asking git for the files of the repository: %w", err)
	}
	var files []string
	for name := range strings.Lines(string(out)) {
		name = strings.TrimSuffix(name, "\n")
		if _, err := os.Stat(filepath.Join(root, name)); err == nil {
			files = append(files, name)
		}
	}
	slices.Sort(files)
	return files, nil
}

// isSource reports whether builds hang on a file.
func isSource(name string) bool {
	for _, tests := range []string{"distribution", "e2e", "loadtest"} {
		if strings.HasPrefix(name, "collector-component/internal/"+tests+"/") {
			return false
		}
	}
	base := filepath.Base(name)
	return strings.HasSuffix(base, ".go") && !strings.HasSuffix(base, "_test.go") || base == "go.mod" || base == "go.sum"
}

// content is a hash of all that a build is made of.
func content(root string, files []string, manifest []byte) (string, error) {
	hash := sha256.New()
	_, _ = fmt.Fprintf(hash, "%s %s %s %s\n%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, Builder, manifest) // writing to a hash never fails
	for _, name := range files {
		if !isSource(name) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return "", fmt.Errorf("distribution: %w", err)
		}
		_, _ = fmt.Fprintf(hash, "%s %d\n", name, len(text))
		_, _ = hash.Write(text)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// rewrite makes a manifest one that can stand anywhere. With a version our modules are named by it and nothing is replaced.
func rewrite(text []byte, component, output, version string) ([]byte, error) {
	var manifest map[string]any
	if err := yaml.Unmarshal(text, &manifest); err != nil {
		return nil, fmt.Errorf("distribution: the manifest: %w", err)
	}
	dist, ok := manifest["dist"].(map[string]any)
	if !ok {
		return nil, errors.New("distribution: the manifest has no dist")
	}
	dist["output_path"] = output
	dist["name"] = "otelcol-prefect"
	for _, list := range manifest {
		entries, _ := list.([]any)
		for _, entry := range entries {
			module, ok := entry.(map[string]any)
			if !ok || module["path"] == nil {
				continue
			}
			if version == "" {
				module["path"] = component
				continue
			}
			delete(module, "path")
			name, _, _ := strings.Cut(fmt.Sprint(module["gomod"]), " ")
			module["gomod"] = name + " " + version
		}
	}
	delete(manifest, "replaces")
	if version == "" {
		manifest["replaces"] = []string{rootModule + " => " + filepath.Dir(component)}
	}
	var out bytes.Buffer
	if err := yaml.NewEncoder(&out).Encode(manifest); err != nil {
		return nil, fmt.Errorf("distribution: the manifest: %w", err)
	}
	return out.Bytes(), nil
}
