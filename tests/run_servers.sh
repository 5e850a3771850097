#!/bin/sh
# Real servers and their clients in one machine, over its own loopback: busybox httpd, and nginx from the host's root.
. "${SOURCE:?}/tests/lib/native.sh"

busybox=$(command -v busybox) || { echo "busybox is not installed"; exit 77; }
mkdir "$tree/www"
echo hello >"$tree/www/index.html"
head -c 2000000 /dev/urandom >"$tree/www/big"
sum=$(md5sum <"$tree/www/big")

# serves NAME WANTED COMMAND...: what it prints
serves() {
    name=$1
    wanted=$2
    shift 2
    count=$((count + 1))
    "$timeout" "$limit" "$@" >"$work/out" 2>"$work/err" || fail "$name: exit status $?"
    printf '%s\n' "$wanted" | diff - "$work/out" || { fail "$name"; tail -n 3 "$work/err"; }
}

cat >"$tree/httpd.sh" <<'END'
busybox httpd -p 127.0.0.1:80 -h /tree/www
for i in 1 2 3 4 5 6 7 8; do
    busybox wget -q -O - http://127.0.0.1/big >/tmp/$i &
done
wait
cat /tmp/[1-8] | busybox wc -c
busybox wget -q -O - http://127.0.0.1/big | busybox md5sum
busybox wget -q -O - http://127.0.0.1/index.html
busybox wget -q -O - http://127.0.0.1/none 2>/dev/null || echo none
busybox wget -q -O - http://127.0.0.1:81/ 2>/dev/null || echo refused
END
serves httpd "16000000
$sum
hello
none
refused" "$RINGFORT" run --mount "$tree:/tree" --mount "$busybox:/bin/busybox" --env PATH=/bin -- "$busybox" sh /tree/httpd.sh

nginx=/usr/sbin/nginx
if [ ! -x $nginx ]; then
    echo "nginx is not installed"
    finish
fi
cat >"$tree/nginx.conf" <<'END'
daemon off; worker_processes 2; error_log /dev/stderr crit; pid /tmp/pid;
events { worker_connections 64; }
http {
    access_log off; sendfile on; keepalive_requests 10;
    client_body_temp_path /tmp/b; proxy_temp_path /tmp/p; fastcgi_temp_path /tmp/f; uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s;
    server { listen 127.0.0.1:80; listen [::1]:80; root /tmp/www; location /status { return 200 "fine\n"; }
             location /proxied/ { proxy_pass http://127.0.0.1:80/; } }
}
END
cat >"$tree/nginx.sh" <<'END'
PATH=/bin:/usr/bin
nginx=/usr/sbin/nginx
$nginx -c /tmp/nginx.conf &
pid=$!
until busybox wget -q -O - http://127.0.0.1/status 2>/dev/null; do busybox sleep 0.05; done
busybox wget -q -O - http://127.0.0.1/index.html
busybox wget -q -O - 'http://[::1]/big' | md5sum
busybox wget -q -O - http://127.0.0.1/proxied/big | md5sum
kill $pid
wait $pid
echo $?
END
serves nginx "fine
hello
$sum
$sum
0" "$RINGFORT" run --root /:ro --mount "$tree:/tmp:rw" -- /bin/sh /tmp/nginx.sh
finish
