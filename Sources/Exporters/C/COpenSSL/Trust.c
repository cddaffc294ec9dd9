#include "COpenSSL.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

pellucid_trust *pellucid_trust_create(void) { return (pellucid_trust *)X509_STORE_new(); }

void pellucid_trust_destroy(pellucid_trust *trust) { X509_STORE_free((X509_STORE *)trust); }

int pellucid_trust_add_pem(pellucid_trust *trust, const void *pem, size_t count) {
    BIO *bio = BIO_new_mem_buf(pem, (int)count);
    if (bio == NULL) return 0;
    int added = 0;
    X509 *certificate;
    while ((certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        added += X509_STORE_add_cert((X509_STORE *)trust, certificate);
        X509_free(certificate);
    }
    BIO_free(bio);
    ERR_clear_error();
    return added;
}

int pellucid_trust_add_file(pellucid_trust *trust, const char *path) {
    int loaded = X509_STORE_load_locations((X509_STORE *)trust, path, NULL);
    ERR_clear_error();
    return loaded;
}

int pellucid_trust_add_defaults(pellucid_trust *trust) { return X509_STORE_set_default_paths((X509_STORE *)trust); }

int pellucid_trust_verify(
    pellucid_trust *trust, const uint8_t *const *certificates, const size_t *counts, size_t length, int depth, const char *host, const char *address) {
    int result = X509_V_ERR_UNSPECIFIED;
    X509 *leaf = NULL;
    STACK_OF(X509) *rest = sk_X509_new_null();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    if (rest == NULL || context == NULL) goto done;
    for (size_t i = 0; i < length; i++) {
        const uint8_t *bytes = certificates[i];
        X509 *certificate = d2i_X509(NULL, &bytes, (long)counts[i]);
        if (certificate == NULL) goto done;
        if (i == 0) {
            leaf = certificate;
        } else if (sk_X509_push(rest, certificate) == 0) {
            X509_free(certificate);
            goto done;
        }
    }
    if (leaf == NULL || X509_STORE_CTX_init(context, (X509_STORE *)trust, leaf, rest) != 1) goto done;
    if (X509_STORE_CTX_set_default(context, "ssl_server") != 1) goto done;
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_depth(parameters, depth);
    if (host != NULL && X509_VERIFY_PARAM_set1_host(parameters, host, 0) != 1) goto done;
    if (address != NULL && X509_VERIFY_PARAM_set1_ip_asc(parameters, address) != 1) goto done;
    result = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
done:
    X509_STORE_CTX_free(context);
    sk_X509_pop_free(rest, X509_free);
    X509_free(leaf);
    ERR_clear_error();
    return result;
}

const char *pellucid_trust_reason(int code) { return X509_verify_cert_error_string(code); }
