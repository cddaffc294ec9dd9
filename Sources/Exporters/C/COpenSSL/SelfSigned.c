#include "COpenSSL.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

static char *text_of(BIO *bio) {
    char *data = NULL;
    long count = BIO_get_mem_data(bio, &data);
    char *copy = count > 0 ? malloc((size_t)count + 1) : NULL;
    if (copy == NULL) return NULL;
    memcpy(copy, data, (size_t)count);
    copy[count] = 0;
    return copy;
}

static int set_serial(X509 *certificate) {
    unsigned char bytes[8];
    if (RAND_bytes(bytes, sizeof bytes) != 1) return 0;
    uint64_t serial = 0;
    for (size_t i = 0; i < sizeof bytes; i++) serial = serial << 8 | bytes[i];
    return ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1);
}

static int add_name(X509 *certificate, const char *name) {
    X509_NAME *subject = X509_get_subject_name(certificate);
    if (X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) != 1) return 0;
    if (X509_set_issuer_name(certificate, subject) != 1) return 0;
    char alternative[300] = "DNS:";
    if (strlen(name) > 255) return 0;
    strcat(alternative, name);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative);
    if (extension == NULL) return 0;
    int added = X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return added;
}

int pellucid_self_signed(const char *name, int days, char **certificate_pem, char **key_pem) {
    int made = 0;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    BIO *certificate_bio = BIO_new(BIO_s_mem());
    BIO *key_bio = BIO_new(BIO_s_mem());
    if (key == NULL || certificate == NULL || certificate_bio == NULL || key_bio == NULL) goto end;
    // Version 3; valid from yesterday on, for clients whose clocks are slow.
    if (X509_set_version(certificate, 2) != 1 || !set_serial(certificate)) goto end;
    X509_gmtime_adj(X509_getm_notBefore(certificate), -86400L);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400L * days);
    if (X509_set_pubkey(certificate, key) != 1 || !add_name(certificate, name)) goto end;
    if (X509_sign(certificate, key, EVP_sha256()) == 0) goto end;
    if (PEM_write_bio_X509(certificate_bio, certificate) != 1) goto end;
    if (PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) != 1) goto end;
    *certificate_pem = text_of(certificate_bio);
    *key_pem = text_of(key_bio);
    made = *certificate_pem != NULL && *key_pem != NULL;
end:
    BIO_free(key_bio);
    BIO_free(certificate_bio);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return made;
}
