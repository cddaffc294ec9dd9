#define OPENSSL_SUPPRESS_DEPRECATED
#include "COpenSSL.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

struct pellucid_hmac_key {
    SHA256_CTX inner;
    SHA256_CTX outer;
};

void pellucid_sha256(const void *bytes, size_t count, uint8_t out[32]) {
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, bytes, count);
    SHA256_Final(out, &context);
}

pellucid_hmac_key *pellucid_hmac_key_create(const void *key, size_t count) {
    pellucid_hmac_key *prepared = malloc(sizeof *prepared);
    if (prepared == NULL) return NULL;
    uint8_t block[SHA256_CBLOCK];
    memset(block, 0, sizeof block);
    if (count > sizeof block) {
        pellucid_sha256(key, count, block);
    } else if (count > 0) {
        memcpy(block, key, count);
    }
    for (size_t i = 0; i < sizeof block; i++) block[i] ^= 0x36;
    SHA256_Init(&prepared->inner);
    SHA256_Update(&prepared->inner, block, sizeof block);
    for (size_t i = 0; i < sizeof block; i++) block[i] ^= 0x36 ^ 0x5c;
    SHA256_Init(&prepared->outer);
    SHA256_Update(&prepared->outer, block, sizeof block);
    OPENSSL_cleanse(block, sizeof block);
    return prepared;
}

void pellucid_hmac_key_destroy(pellucid_hmac_key *key) {
    if (key == NULL) return;
    OPENSSL_cleanse(key, sizeof *key);
    free(key);
}

void pellucid_hmac_sha256(const pellucid_hmac_key *key, const void *bytes, size_t count, uint8_t out[32]) {
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256_CTX context = key->inner;
    SHA256_Update(&context, bytes, count);
    SHA256_Final(digest, &context);
    context = key->outer;
    SHA256_Update(&context, digest, sizeof digest);
    SHA256_Final(out, &context);
}
