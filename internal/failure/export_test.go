package failure

// Classes returns every class, in the order in which class.go declares them.
func Classes() []Class {
	all := make([]Class, len(kinds))
	for i, k := range kinds {
		all[i] = k.class
	}
	return all
}
