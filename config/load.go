package config

// Load reads the declaration at path, or roundtrip.yaml in it when path is a folder. getenv looks up environment variables.
func Load(path string, getenv func(string) (string, bool)) (*Config, error) { panic("being written") }

// Parse reads a declaration.
func Parse(file string, source []byte, getenv func(string) (string, bool)) (*Config, error) { panic("being written") }

// Dev returns the view of the declaration for development.
func (c *Config) Dev() *Config { panic("being written") }
