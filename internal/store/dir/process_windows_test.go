package dir

const isWindows = true

var beforeOpen map[string]func()
