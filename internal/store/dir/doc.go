// Package dir is a directory as a store: on one machine, or shared by several
// through a network file system.
//
// The main invariant: an entry comes into being by the rename of a complete
// directory to a name where nothing is, and goes by a rename away from it. So
// it is whole or not there, whoever writes, prunes, or gets killed at the same
// time, and no entry is ever replaced. Nothing here needs hard links, and a
// file system without locks loses no more than the room that killed writers
// leave, for a day.
//
// # Layout
//
//	PATH/CACHEDIR.TAG, README.md, .gitignore     when the store made PATH, or it was empty
//	PATH/v1/NAME.entry/data                      the bytes
//	PATH/v1/NAME.entry/about.json                {"schema":"modferry.entry/1","created":"…","size":123}
//	PATH/v1/.tmp-123456/                         an entry that is being written or removed
//	PATH/v1/.tmp-123456.lock                     locked as long as its writer lives
//
// Creation is told by about.json, since it must survive copies and archives of
// the directory; the last use is the modification time of about.json, where
// losing it does no harm. An entry whose data has another size than about.json
// says (after a loss of power, or a copy that was cut) does not count and is
// removed by the next who wants its name. Anything else in PATH is somebody
// else's and stays untouched.
//
// # Several users, several machines
//
// Files and directories get the permissions of PATH, whatever the umask: who
// may use PATH may use what is in it. To share a store between users, give
// PATH to a group with mode 2775.
//
// Locks serve only to tell the temporaries of living writers from those of
// dead ones. Where they do not reach other machines (NFS mounted with nolock),
// a writer may lose its temporary to another machine's clean-up; it then gets
// an error, and nothing torn is ever seen.
package dir
