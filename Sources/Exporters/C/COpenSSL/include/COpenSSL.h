#ifndef PELLUCID_COPENSSL_H
#define PELLUCID_COPENSSL_H

#include <stddef.h>
#include <stdint.h>

// SHA-256 (FIPS 180-4) of `count` bytes into 32 bytes.
//
// The low-level functions of libcrypto: EVP_Digest fetches the algorithm and allocates a context on every call,
// which costs as much as hashing a kilobyte.
void pellucid_sha256(const void *bytes, size_t count, uint8_t out[32]);

// A prepared HMAC-SHA-256 key (RFC 2104): the two padded key blocks, already hashed.
typedef struct pellucid_hmac_key pellucid_hmac_key;

// NULL when memory is short. The key bytes are not kept.
pellucid_hmac_key *pellucid_hmac_key_create(const void *key, size_t count);
void pellucid_hmac_key_destroy(pellucid_hmac_key *key);

// HMAC-SHA-256 of `count` bytes into 32 bytes.
void pellucid_hmac_sha256(const pellucid_hmac_key *key, const void *bytes, size_t count, uint8_t out[32]);

// A self-signed P-256 certificate for a DNS name and its key, in PEM; the caller frees both texts. Returns 0 when it cannot be made.
int pellucid_self_signed(const char *name, int days, char **certificate_pem, char **key_pem);

// A private RSA key in PEM (PKCS #1 or #8, without passphrase); NULL when it is none.
typedef struct pellucid_rsa_key pellucid_rsa_key;
pellucid_rsa_key *pellucid_rsa_key_create(const void *pem, size_t count);
void pellucid_rsa_key_destroy(pellucid_rsa_key *key);

// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2). Returns the signature's length, 0 when it cannot be made or does not fit.
size_t pellucid_rsa_sign(const pellucid_rsa_key *key, const void *bytes, size_t count, uint8_t *out, size_t capacity);

// Certificates that are trusted. Filled before it is used, then read by any thread.
typedef struct pellucid_trust pellucid_trust;
pellucid_trust *pellucid_trust_create(void);
void pellucid_trust_destroy(pellucid_trust *trust);
// Adds certificates; returns how many, or whether the file or the system's places could be read.
int pellucid_trust_add_pem(pellucid_trust *trust, const void *pem, size_t count);
int pellucid_trust_add_file(pellucid_trust *trust, const char *path);
int pellucid_trust_add_defaults(pellucid_trust *trust);

// Verifies a server's chain (DER, leaf first) with at most `depth` certificates between the leaf and a trusted one (X509_VERIFY_PARAM_set_depth(3), as
// nginx' proxy_ssl_verify_depth), and the name or address where one is given. Returns 0, or a code for pellucid_trust_reason.
int pellucid_trust_verify(
    pellucid_trust *trust, const uint8_t *const *certificates, const size_t *counts, size_t length, int depth, const char *host, const char *address);
const char *pellucid_trust_reason(int code);

#endif
