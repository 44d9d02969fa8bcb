module github.com/prefectlogs/prefectlogs/collector-component

go 1.26.0

replace github.com/prefectlogs/prefectlogs => ../
