package report

import (
	"reflect"
)

// words are the fields that hold words of ours or hashes, which renderings tell
// apart: a password that is such a word is not shown by them.
var words = map[string]bool{
	"Result.Schema": true, "Result.Tool": true, "Result.Started": true, "Machine.OS": true, "Machine.Arch": true,
	"Mirror.State": true, "Mirror.HTTP": true, "Cache.Hit": true, "EffectiveSettings.Scope": true,
	"Module.Kind": true, "Module.Source": true, "Module.Sum": true, "Finding.Check": true, "Finding.Setting": true,
}

// Hide applies hide to every text of the result, which then shows no secret of
// the run in any rendering: also in texts that nobody thought of when they were
// made. What r shares with records of a run that goes on is copied, not changed.
func (r *Result) Hide(hide func(string) string) {
	known := map[string]string{} // most texts are names of mirrors and versions, again and again
	hideIn(reflect.ValueOf(r).Elem(), func(text string) string {
		hidden, ok := known[text]
		if !ok {
			hidden = hide(text)
			known[text] = hidden
		}
		return hidden
	})
}

func hideIn(v reflect.Value, hide func(string) string) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() { // other types have values of ours only
			v.SetString(hide(v.String()))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			own := reflect.New(v.Type().Elem())
			own.Elem().Set(v.Elem())
			v.Set(own)
			hideIn(own.Elem(), hide)
		}
	case reflect.Slice:
		if !v.IsNil() {
			own := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			reflect.Copy(own, v)
			v.Set(own)
			for i := range own.Len() {
				hideIn(own.Index(i), hide)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if !words[v.Type().Name()+"."+v.Type().Field(i).Name] {
				hideIn(v.Field(i), hide)
			}
		}
	case reflect.Map:
		if v.IsNil() {
			return
		}
		own := reflect.MakeMapWithSize(v.Type(), v.Len())
		for _, key := range v.MapKeys() {
			value := reflect.New(v.Type().Elem()).Elem()
			value.Set(v.MapIndex(key))
			hideIn(value, hide)
			own.SetMapIndex(reflect.ValueOf(hide(key.String())).Convert(key.Type()), value)
		}
		v.Set(own)
	}
}
