#include "COpenSSL.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>

struct pellucid_rsa_key {
    EVP_PKEY *key;
};

pellucid_rsa_key *pellucid_rsa_key_create(const void *pem, size_t count) {
    if (count > INT_MAX) return NULL;
    BIO *bio = BIO_new_mem_buf(pem, (int)count);
    if (bio == NULL) return NULL;
    // No callback: a key that wants a passphrase is refused instead of asking the terminal.
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");
    BIO_free(bio);
    pellucid_rsa_key *made = key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA ? malloc(sizeof *made) : NULL;
    if (made == NULL) {
        EVP_PKEY_free(key);
        ERR_clear_error();
        return NULL;
    }
    made->key = key;
    return made;
}

void pellucid_rsa_key_destroy(pellucid_rsa_key *key) {
    if (key == NULL) return;
    EVP_PKEY_free(key->key);
    free(key);
}

size_t pellucid_rsa_sign(const pellucid_rsa_key *key, const void *bytes, size_t count, uint8_t *out, size_t capacity) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL) return 0;
    size_t length = capacity;
    int signed_it = EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->key) == 1 && EVP_DigestSign(context, out, &length, bytes, count) == 1;
    EVP_MD_CTX_free(context);
    if (!signed_it) ERR_clear_error();
    return signed_it ? length : 0;
}
