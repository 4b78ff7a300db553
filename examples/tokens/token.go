// Signs an application's token (docs/protocol.md 10.2). The standard library, nothing else.
//
//	APP_SECRET=… go run token.go APP_KEY CHANNEL UID TTL [CUR_TIME]
package main

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Token takes uid as a number of 64 bits, ttl in seconds and curTime in milliseconds.
func Token(appKey, appSecret, channelName string, uid uint64, ttl, curTime int64) string {
	text := fmt.Sprintf("%s%d%d%d%s%s", appKey, uid, curTime, ttl, channelName, appSecret)
	signature := sha1.Sum([]byte(text))
	claims := fmt.Sprintf(`{"signature":"%x","curTime":%d,"ttl":%d}`, signature, curTime, ttl)
	return base64.StdEncoding.EncodeToString([]byte(claims))
}

func main() {
	uid, uidError := strconv.ParseUint(os.Args[3], 10, 64)
	ttl, ttlError := strconv.ParseInt(os.Args[4], 10, 64)
	curTime := time.Now().UnixMilli()
	var timeError error
	if len(os.Args) > 5 {
		curTime, timeError = strconv.ParseInt(os.Args[5], 10, 64)
	}
	if uidError != nil || ttlError != nil || timeError != nil {
		fmt.Fprintln(os.Stderr, "UID, TTL and CUR_TIME must be whole numbers")
		os.Exit(2)
	}
	fmt.Println(Token(os.Args[1], os.Getenv("APP_SECRET"), os.Args[2], uid, ttl, curTime))
}
