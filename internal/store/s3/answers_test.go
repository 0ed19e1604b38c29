package s3_test

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// signed checks what can be checked of a signature without making it again.
func (d *double) signed(w http.ResponseWriter, r *http.Request, kind string) bool {
	auth := r.Header.Get("Authorization")
	if auth == "" {
		if d.public && (kind == "get" || kind == "head") {
			return true
		}
		deny(w, 403, "AccessDenied")
		return false
	}
	scope, ok := strings.CutPrefix(auth, "AWS4-HMAC-SHA256 Credential=")
	fields := strings.Split(strings.SplitN(scope, ",", 2)[0], "/")
	if !ok || len(fields) != 5 || !strings.Contains(auth, "Signature=") || !strings.Contains(auth, "x-amz-date") {
		d.t.Errorf("%s: Authorization %q is no signature of version 4", kind, auth)
	}
	switch {
	case fields[0] != testKey:
		deny(w, 403, "InvalidAccessKeyId")
	case fields[2] != d.region:
		deny(w, 400, "AuthorizationHeaderMalformed", "<Region>"+d.region+"</Region>")
	default:
		return true
	}
	return false
}

// conditional reports whether it has refused a write.
func (d *double) conditional(w http.ResponseWriter, r *http.Request, key string) bool {
	switch r.Header.Get("If-None-Match") {
	case "":
		if d.noCondition == 0 {
			d.t.Errorf("%s of %s without a condition", kindOf(r), key)
		}
		return false
	case "*":
	default:
		d.t.Errorf("If-None-Match: %q", r.Header.Get("If-None-Match"))
	}
	if d.noCondition != 0 {
		deny(w, d.noCondition, "NotImplemented")
		return true
	}
	d.mu.Lock()
	_, taken := d.objects[key]
	d.mu.Unlock()
	if taken {
		deny(w, 412, "PreconditionFailed")
	}
	return taken
}

// visible stores an object and forgets the upload that it came from.
func (d *double) visible(w http.ResponseWriter, key string, data []byte, upload string) {
	if d.stored != nil {
		d.stored(key)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.uploads, upload)
	d.store(key, data)
	w.Header().Set("ETag", `"`+d.objects[key].etag+`"`)
	if upload != "" {
		fmt.Fprintf(w, "<CompleteMultipartUploadResult><Bucket>%s</Bucket><Key>%s</Key></CompleteMultipartUploadResult>", testBucket, key)
	}
}

func (d *double) part(w http.ResponseWriter, q url.Values, body []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.uploads[q.Get("uploadId")]
	number, err := strconv.Atoi(q.Get("partNumber"))
	if u == nil || err != nil {
		deny(w, 404, "NoSuchUpload")
		return
	}
	u.parts[number] = body
	w.Header().Set("ETag", fmt.Sprintf(`"part-%d-%d"`, number, len(body)))
}

func (d *double) complete(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	id := r.URL.Query().Get("uploadId")
	d.mu.Lock()
	u := d.uploads[id]
	d.mu.Unlock()
	if u == nil {
		deny(w, 404, "NoSuchUpload")
		return
	}
	if d.conditional(w, r, key) {
		return
	}
	var list struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	if err := xml.Unmarshal(body, &list); err != nil {
		d.t.Error(err)
	}
	var data []byte
	for i, p := range list.Part {
		part, ok := u.parts[p.PartNumber]
		if !ok || p.PartNumber != i+1 || p.ETag != fmt.Sprintf("part-%d-%d", p.PartNumber, len(part)) {
			deny(w, 400, "InvalidPart")
			return
		}
		if i+1 < len(list.Part) && len(part) < d.minPart {
			deny(w, 400, "EntityTooSmall")
			return
		}
		data = append(data, part...)
	}
	d.visible(w, key, data, id)
}

func (d *double) get(w http.ResponseWriter, r *http.Request, key string) {
	d.mu.Lock()
	o, ok := d.objects[key]
	d.mu.Unlock()
	if !ok {
		deny(w, 404, "NoSuchKey")
		return
	}
	if match := r.Header.Get("If-Match"); match != "" && match != `"`+o.etag+`"` {
		deny(w, 412, "PreconditionFailed")
		return
	}
	w.Header().Set("ETag", `"`+o.etag+`"`)
	w.Header().Set("Last-Modified", o.mtime.Format(http.TimeFormat))
	data := o.data
	if text := r.Header.Get("Range"); text != "" && !d.noRange {
		var from, to int
		if _, err := fmt.Sscanf(text, "bytes=%d-%d", &from, &to); err != nil {
			d.t.Errorf("Range %q", text)
		}
		if from >= len(data) {
			deny(w, 416, "InvalidRange")
			return
		}
		to = min(to, len(data)-1)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(data)))
		w.Header().Set("Content-Length", strconv.Itoa(to+1-from))
		w.WriteHeader(206)
		w.Write(data[from : to+1])
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	if r.Method == "GET" {
		w.Write(data)
	}
}

// list answers ListObjectsV2 with the delimiter "/".
func (d *double) list(w http.ResponseWriter, q url.Values) {
	prefix, after := q.Get("prefix"), q.Get("continuation-token")
	if q.Get("delimiter") != "/" {
		d.t.Errorf("list with delimiter %q looks below other prefixes", q.Get("delimiter"))
	}
	page := d.page
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil {
		page = min(page, n)
	}
	var b strings.Builder
	n, last, folder := 0, "", ""
	for _, key := range d.names() {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok || key <= after {
			continue
		}
		if n == page {
			fmt.Fprintf(&b, "<IsTruncated>true</IsTruncated><NextContinuationToken>%s</NextContinuationToken>", last)
			break
		}
		if dir, _, below := strings.Cut(rest, "/"); below {
			if dir != folder {
				folder = dir
				fmt.Fprintf(&b, "<CommonPrefixes><Prefix>%s%s/</Prefix></CommonPrefixes>", prefix, dir)
			}
			continue
		}
		d.mu.Lock()
		o := d.objects[key]
		d.mu.Unlock()
		fmt.Fprintf(&b, "<Contents><Key>%s</Key><Size>%d</Size><ETag>&quot;%s&quot;</ETag><LastModified>%s</LastModified></Contents>",
			url.QueryEscape(key), len(o.data), o.etag, o.mtime.Format("2006-01-02T15:04:05.000Z"))
		n, last = n+1, key
	}
	fmt.Fprintf(w, "<ListBucketResult><EncodingType>url</EncodingType>%s</ListBucketResult>", b.String())
}
