#!/bin/sh
# wget [-q] [-O -] [-T SECONDS] URL, by way of nc.
seconds=10
for word in "$@"; do
  case "$last $word" in
    "-T "*) seconds=$word ;;
    *" http://"*) url=${word#http://} ;;
  esac
  last=$word
done
[ -n "$url" ] || { echo "wget: only http:// is supported here" >&2; exit 1; }
place=${url%%/*}
path=/${url#"$place"}
path=${path#/}
case "$place" in *:*) port=${place##*:} ;; *) port=80 ;; esac
printf 'GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n' "${path:-/}" "$place" | nc -w "$seconds" "${place%%:*}" "$port" | {
  read -r version code rest || { echo "wget: no answer from $place" >&2; exit 1; }
  while IFS= read -r header && [ "$header" != "$(printf '\r')" ] && [ -n "$header" ]; do :; done
  cat
  [ "$code" = 200 ] || { echo "wget: server returned error: $version $code $rest" >&2; exit 1; }
}
