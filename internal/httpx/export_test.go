package httpx

import "time"

// Left is what may still be waited for.
func (b *Budget) Left() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.left
}
