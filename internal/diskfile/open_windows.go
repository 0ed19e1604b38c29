package diskfile

// nonblock is nothing on Windows, where named pipes are not in directories.
const nonblock = 0
