package settings

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Show is the value of a setting as it would be written, redacted, and where it
// comes from. What the checkout alone says counts where the job says nothing.
// The value is "" where the setting is left to what Setting.Unset names.
func (v *Values) Show(s Setting) (value, source string) {
	source = v.Sources[s.Name]
	switch field := s.field(v).(type) {
	case *bool:
		value = strconv.FormatBool(*field)
	case *int:
		value = strconv.Itoa(*field)
	case *int64:
		value = formatSize(*field)
	case *time.Duration:
		value = formatDuration(*field)
	case *string:
		value = *field
	}
	if s.Name == "proxy" {
		value = v.ProxyList()
	}
	if s.apart != nil && value == "" {
		value = *s.apart(v)
		if s.Name == "proxy" {
			value = v.Checkout.ProxyList()
		}
		if value != "" {
			source = v.Checkout.Sources[s.Name] + ", in this run only"
		}
	}
	return Redact(value), source
}

// formatDuration writes a duration without units that are zero.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// formatSize writes a number of bytes with the largest unit that leaves a whole
// number.
func formatSize(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for ; n > 0 && n%1024 == 0 && i < len(units)-1; i++ {
		n /= 1024
	}
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("%d%s", n, units[i])
}
