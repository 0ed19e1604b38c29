package mirror

import "time"

// ProbeLimit is the cause with which the limit of WithLimit ends a probe, for
// tests that end one when something has happened rather than at a time.
var ProbeLimit = operationLimit(time.Second, "--probe-timeout")
