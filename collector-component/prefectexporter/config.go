// SPDX-FileCopyrightText: The prefectlogs authors
// SPDX-License-Identifier: Apache-2.0

package prefectexporter

import (
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/configopaque"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configretry"
	"go.opentelemetry.io/collector/exporter/exporterhelper"

	"github.com/prefectlogs/prefectlogs/collector-component/internal/prefectclient"
	"github.com/prefectlogs/prefectlogs/collector-component/internal/runconfig"
)

// Config is the configuration of the exporter "prefect". README.md tells every key.
type Config struct {
	// ClientConfig has a name, so that its Unmarshal is not taken for that of Config: the keys below would then be ignored.
	ClientConfig confighttp.ClientConfig `mapstructure:",squash"`

	// APIKey is sent as a bearer token.
	APIKey configopaque.String `mapstructure:"api_key"`
	// AuthString is "user:password" of a server that asks for Basic authentication.
	AuthString configopaque.String `mapstructure:"auth_string"`
	// FromEnvironment takes what is not set here from Prefect's own settings: environment, files, profile.
	FromEnvironment bool `mapstructure:"from_environment"`

	// Targets are servers or workspaces by name, in place of the one above.
	Targets map[string]TargetConfig `mapstructure:"targets"`
	// TargetAttribute names the attribute of record, scope or resource that holds the name of a target.
	TargetAttribute string `mapstructure:"target_attribute"`
	// DefaultTarget gets the records that name no target; "": nobody does, and they are counted.
	DefaultTarget string `mapstructure:"default_target"`

	// DefaultRun is the run of records that name none.
	DefaultRun RunConfig `mapstructure:"default_run"`
	// MissingRun is what becomes of records without a run.
	MissingRun MissingRun `mapstructure:"missing_run"`
	// RunKeys are attribute keys that name runs, looked at before the known ones.
	RunKeys RunKeysConfig `mapstructure:"run_keys"`

	// BatchRecords is how many records one request carries at most; 0: as many as suit the server, up to [payload.MaxRecords].
	BatchRecords int `mapstructure:"batch_records"`
	// BatchSize bounds one request in bytes, MaxLogSize one log in bytes; 0: the default.
	BatchSize  int `mapstructure:"batch_size"`
	MaxLogSize int `mapstructure:"max_log_size"`

	// These are as in mapping.Config.
	Format            string   `mapstructure:"format"`
	Oversize          string   `mapstructure:"oversize"`
	TraceIDs          bool     `mapstructure:"trace_ids"`
	KeepANSI          bool     `mapstructure:"keep_ansi"`
	ExactTime         bool     `mapstructure:"exact_time"`
	AllowedAttributes []string `mapstructure:"allowed_attributes"`
	DeniedAttributes  []string `mapstructure:"denied_attributes"`

	// LookUp is when records are looked for on the server before they are sent for the first time.
	LookUp LookUp `mapstructure:"look_up"`

	QueueConfig configoptional.Optional[exporterhelper.QueueBatchConfig] `mapstructure:"sending_queue"`
	RetryConfig configretry.BackOffConfig                                `mapstructure:"retry_on_failure"`

	ownHTTP []string // keys of ClientConfig, but for endpoint, that the file names
}

// TargetConfig is one of several servers or workspaces.
type TargetConfig struct {
	ClientConfig confighttp.ClientConfig `mapstructure:",squash"`
	APIKey       configopaque.String     `mapstructure:"api_key"`
	AuthString   configopaque.String     `mapstructure:"auth_string"`
}

// RunConfig names a run by the ids of its flow run and its task run.
type RunConfig = runconfig.Default

// RunKeysConfig are keys of attributes that name flow runs and task runs.
type RunKeysConfig = runconfig.Keys

// MissingRun is what becomes of records that no attribute and no default names a run for.
type MissingRun string

// The policies for records without a run.
const (
	DropMissingRun   MissingRun = "drop"   // they are counted, and said once in a while
	RefuseMissingRun MissingRun = "refuse" // their push fails for good, once the others are stored at the first try
)

// LookUp is when records are looked for on the server before they are sent for the first time.
type LookUp string

// When records are looked for before they are sent for the first time.
const (
	LookUpOld    LookUp = "old"    // with storage: records older than the process, which an earlier one may have sent
	LookUpAlways LookUp = "always" // every record: for sources that deliver twice
	LookUpNever  LookUp = "never"
)

// defaultTargetAttribute names the target of a record.
const defaultTargetAttribute = "prefect.target"

// defaultBatchMinRecords is of the sending queue's batches: pushes of few records are joined, so that a server gets requests of a size
// that suits it.
const defaultBatchMinRecords = 1000

func createDefaultConfig() *Config {
	queue := exporterhelper.NewDefaultQueueConfig()
	queue.NumConsumers = 1 // more reorder, and overload a server on SQLite
	batch := exporterhelper.NewDefaultBatchConfig()
	batch.Sizer = exporterhelper.RequestSizerTypeItems
	batch.MinSize = defaultBatchMinRecords
	batch.MaxSize = 0 // requests are split where their exact size is known
	queue.Batch = configoptional.Some(batch)
	retry := configretry.NewDefaultBackOffConfig()
	retry.MaxElapsedTime = 0 // a wrong key or a long outage loses nothing; the queue is the bound
	return &Config{
		ClientConfig:    prefectclient.DefaultHTTP(),
		TargetAttribute: defaultTargetAttribute,
		MissingRun:      DropMissingRun,
		LookUp:          LookUpOld,
		Format:          "text",
		Oversize:        "truncate",
		QueueConfig:     configoptional.Some(queue),
		RetryConfig:     retry,
	}
}
