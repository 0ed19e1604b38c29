// Package docs holds the documentation that the program itself can show.
package docs

import _ "embed"

// URL is where people read the documentation.
const URL = "https://github.com/modferry/modferry/blob/main/docs/"

// Checks is checks.md, which explains every check with an example.
//
//go:embed checks.md
var Checks string
