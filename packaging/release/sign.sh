#!/bin/sh
# Lists the checksums of all files of a release and signs the list: `sign.sh DIRECTORY KEY`, KEY an Ed25519 private key (PEM).
#   SHA256SUMS         the list
#   SHA256SUMS.sig     its signature as it is: for `update`, and openssl 3
#   SHA256SUMS.sshsig  the same key's signature in the form of ssh-keygen(1), which macOS and Windows have
set -eu
directory="$1" key="$(cd "$(dirname "$2")" && pwd)/$(basename "$2")"
cd "$directory"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

rm -f SHA256SUMS SHA256SUMS.sig SHA256SUMS.sshsig
sha256sum -- * >"$work/sums"
mv "$work/sums" SHA256SUMS
openssl pkeyutl -sign -rawin -inkey "$key" -in SHA256SUMS -out SHA256SUMS.sig

# A number of 32 bits, and a string after its length, as RFC 4251 section 5 writes them.
number() {
    octets="$(printf '\\%03o\\%03o\\%03o\\%03o' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)))"
    # shellcheck disable=SC2059 # the octets are the format
    printf "$octets"
}
string() {
    cat >"$work/string"
    number "$(wc -c <"$work/string")"
    cat "$work/string"
}

# OpenSSH's PROTOCOL.sshsig: what is signed holds the list's hash and what the signature is for.
about() {
    printf 'awslambdaproxy-release' | string
    printf '' | string
    printf 'sha512' | string
}
{
    printf 'SSHSIG'
    about
    openssl dgst -sha512 -binary SHA256SUMS | string
} >"$work/message"
openssl pkeyutl -sign -rawin -inkey "$key" -in "$work/message" -out "$work/raw"
{
    printf 'ssh-ed25519' | string
    string <"$work/raw"
} >"$work/signature"
{
    printf 'ssh-ed25519' | string
    openssl pkey -in "$key" -pubout -outform DER | tail -c 32 | string
} >"$work/public"
{
    printf 'SSHSIG'
    number 1
    string <"$work/public"
    about
    string <"$work/signature"
} >"$work/blob"
{
    echo '-----BEGIN SSH SIGNATURE-----'
    openssl base64 -in "$work/blob"
    echo '-----END SSH SIGNATURE-----'
} >SHA256SUMS.sshsig
