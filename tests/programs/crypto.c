/* OpenSSL's libcrypto: ciphers, hashes and signatures by known answers, and digests of longer
 * texts. It has several implementations of each in assembler and asks CPUID which to use, so that
 * every CPU model runs other instructions. The output is the same with all of them. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 8192 + 13 };

static unsigned char text[TEXT];
static int failures;

static void require(int ok, const char *what)
{
    if (ok)
        return;
    printf("%s failed\n", what);
    exit(2);
}

static void show(const char *name, const unsigned char *bytes, size_t size)
{
    printf("%s ", name);
    for (size_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
    printf("\n");
}

static void show_digest(const char *name, const unsigned char *bytes, size_t size)
{
    unsigned char digest[32];
    require(EVP_Digest(bytes, size, digest, NULL, EVP_sha256(), NULL), "SHA-256");
    show(name, digest, sizeof digest);
}

static void expect(const char *name, const unsigned char *bytes, size_t size, const char *hex)
{
    char found[2 * 128 + 1];
    for (size_t i = 0; i < size; i++)
        snprintf(found + 2 * i, 3, "%02x", bytes[i]);
    int right = strcmp(found, hex) == 0;
    printf("%s: %s\n", name, right ? "as the standard says" : found);
    failures += !right;
}

/* --- hashes --- */

static void hash(const char *name, const char *abc)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size;
    const EVP_MD *md = EVP_get_digestbyname(name);
    require(md != NULL, name);
    require(EVP_Digest("abc", 3, digest, &size, md, NULL), name);
    expect(name, digest, size, abc);
    require(EVP_Digest(text, TEXT, digest, &size, md, NULL), name);
    show(name, digest, size);
}

/* FIPS 180-4 and 202, the examples for "abc". */
static void hashes(void)
{
    hash("SHA1", "a9993e364706816aba3e25717850c26c9cd0d89d");
    hash("SHA256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash("SHA512", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                   "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    hash("SHA3-256", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532");
}

/* --- ciphers --- */

struct cipher {
    const char *name;
    int authenticated;
    int whole; /* takes all of the text at once only */
};

/* Encrypt in uneven pieces, decrypt at once, and say what came out; a forged tag is refused. */
static void cipher(const struct cipher *c)
{
    static unsigned char sealed[TEXT + 64], opened[TEXT + 64];
    unsigned char tag[16] = { 0 };
    const EVP_CIPHER *type = EVP_get_cipherbyname(c->name);
    require(type != NULL, c->name);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int size = 0, n;
    require(EVP_EncryptInit_ex(context, type, NULL, text, text + 64), c->name);
    if (c->authenticated)
        require(EVP_EncryptUpdate(context, NULL, &n, text + 100, 20), "header");
    for (int at = 0, piece = 1; at < TEXT; at += piece, piece = piece * 3 % 1021 + 1) {
        if (c->whole || piece > TEXT - at)
            piece = TEXT - at;
        require(EVP_EncryptUpdate(context, sealed + size, &n, text + at, piece), c->name);
        size += n;
    }
    require(EVP_EncryptFinal_ex(context, sealed + size, &n), c->name);
    size += n;
    if (c->authenticated)
        require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, tag), "tag");
    show_digest(c->name, sealed, (size_t)size);
    if (c->authenticated)
        show("  tag", tag, sizeof tag);
    for (int forged = 0; forged <= c->authenticated; forged++) {
        int back = 0;
        tag[3] ^= (unsigned char)forged;
        require(EVP_DecryptInit_ex(context, type, NULL, text, text + 64), c->name);
        if (c->authenticated) {
            require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, tag), "tag");
            require(EVP_DecryptUpdate(context, NULL, &n, text + 100, 20), "header");
        }
        require(EVP_DecryptUpdate(context, opened, &back, sealed, size), c->name);
        int good = EVP_DecryptFinal_ex(context, opened + back, &n);
        back += good ? n : 0;
        printf("  decrypted%s: %s, %s\n", forged ? ", forged" : "", good ? "accepted" : "refused",
               back == TEXT && memcmp(opened, text, TEXT) == 0 ? "the same" : "different");
    }
    EVP_CIPHER_CTX_free(context);
}

/* FIPS 197, appendix C: one block of AES. */
static void aes_known_answers(void)
{
    static const struct {
        const char *name, *answer;
    } answers[] = { { "AES-128-ECB", "69c4e0d86a7b0430d8cdb78070b4c55a" },
                    { "AES-192-ECB", "dda97ca4864cdfe06eaf70a0ec0d7191" },
                    { "AES-256-ECB", "8ea2b7ca516745bfeafc49904b496089" } };
    unsigned char key[32], plain[16], out[32];
    for (int i = 0; i < 32; i++)
        key[i] = (unsigned char)i;
    for (int i = 0; i < 16; i++)
        plain[i] = (unsigned char)(i * 0x11);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        int n;
        require(EVP_EncryptInit_ex(context, EVP_get_cipherbyname(answers[i].name), NULL, key, NULL) &&
                    EVP_EncryptUpdate(context, out, &n, plain, 16), answers[i].name);
        expect(answers[i].name, out, 16, answers[i].answer);
        EVP_CIPHER_CTX_free(context);
    }
}

static void ciphers(void)
{
    static const struct cipher all[] = {
        { "AES-128-CBC", 0, 0 },
        { "AES-256-CBC", 0, 0 },
        { "AES-128-CTR", 0, 0 },
        { "AES-256-CTR", 0, 0 },
        { "id-aes128-GCM", 1, 0 },
        { "id-aes256-GCM", 1, 0 },
        { "AES-256-XTS", 0, 1 },
        { "AES-128-OCB", 1, 0 },
        { "ChaCha20-Poly1305", 1, 0 },
        { "CAMELLIA-128-CBC", 0, 0 },
    };
    aes_known_answers();
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        cipher(&all[i]);
}

/* --- keys --- */

static EVP_PKEY *key_from(const char *type, OSSL_PARAM_BLD *builder)
{
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;
    require(parameters && context && EVP_PKEY_fromdata_init(context) > 0 &&
                EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, parameters) > 0, type);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    return key;
}

static BIGNUM *number(const char *hex)
{
    BIGNUM *n = NULL;
    require(BN_hex2bn(&n, hex) > 0, "number");
    return n;
}

/* Sign the text, show the signature if it is the same every time, verify, and refuse another. */
static void sign(const char *name, EVP_PKEY *key, const EVP_MD *md, int padding, int repeatable)
{
    unsigned char signature[512];
    size_t size = sizeof signature;
    EVP_PKEY_CTX *options;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    require(EVP_DigestSignInit(context, &options, md, NULL, key) > 0 &&
                (!padding || EVP_PKEY_CTX_set_rsa_padding(options, padding) > 0) &&
                EVP_DigestSign(context, signature, &size, text, TEXT) > 0, name);
    EVP_MD_CTX_free(context);
    if (repeatable)
        show(name, signature, size);
    for (int wrong = 0; wrong <= 1; wrong++) {
        text[77] ^= (unsigned char)wrong;
        context = EVP_MD_CTX_new();
        require(EVP_DigestVerifyInit(context, &options, md, NULL, key) > 0 &&
                    (!padding || EVP_PKEY_CTX_set_rsa_padding(options, padding) > 0), name);
        int good = EVP_DigestVerify(context, signature, size, text, TEXT) == 1;
        printf("%s: %s text %s\n", name, wrong ? "another" : "the", good ? "verified" : "refused");
        EVP_MD_CTX_free(context);
        text[77] ^= (unsigned char)wrong;
    }
}

/* Two primes of 1024 bits, for this test alone. */
static const char prime_p[] =
    "fc325865b05919d04a578294da6797bfc5ca4113d00abcaa934904b9a9baeced"
    "fa0b41d0050ab6b56764a67e0b24a062127b9f4c2ddd5721893543e26535afde"
    "eeb1b210efb7ad3e7fe6da0ba379a9dafae7ba13ac118b9d5df3e8acec8ccdae"
    "b9b90985ee5bdd87db865af0cd906e931338f4258d04b5ee7cc3f48db7dc940d";
static const char prime_q[] =
    "d5f0e47927fefee2684b09cbc3d14dda4ee0c74b88248a6f2390075abb708c65"
    "7c678d7f72084452d6e1b7c7c31a6366dbab6468c7742238dd8a8daf88232548"
    "5bd49e521fa0ed080c59d51a48aad0dc3ea40e9c569aa8761860dacc9e1d028f"
    "058c78e5056b057b69e7311b6347c49bc2719dfbf761c045d5025094108d1b93";

static EVP_PKEY *rsa_key(void)
{
    BN_CTX *scratch = BN_CTX_new();
    BIGNUM *p = number(prime_p), *q = number(prime_q), *e = number("10001");
    BIGNUM *p1 = BN_new(), *q1 = BN_new(), *phi = BN_new(), *n = BN_new(), *dp = BN_new(),
           *dq = BN_new();
    require(BN_sub(p1, p, BN_value_one()) && BN_sub(q1, q, BN_value_one()) &&
                BN_mul(phi, p1, q1, scratch) && BN_mul(n, p, q, scratch), "product");
    BIGNUM *d = BN_mod_inverse(NULL, e, phi, scratch), *qi = BN_mod_inverse(NULL, q, p, scratch);
    require(d && qi && BN_mod(dp, d, p1, scratch) && BN_mod(dq, d, q1, scratch), "exponents");
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    require(OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) &&
                OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e) &&
                OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_D, d) &&
                OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_FACTOR1, p) &&
                OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_FACTOR2, q) &&
                OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_EXPONENT1, dp) &&
                OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_EXPONENT2, dq) &&
                OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, qi), "key");
    EVP_PKEY *key = key_from("RSA", b);
    BIGNUM *all[] = { p, q, e, p1, q1, phi, n, dp, dq, d, qi };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        BN_free(all[i]);
    BN_CTX_free(scratch);
    return key;
}

/* PKCS #1 v1.5 is deterministic; PSS has a random salt. */
static void rsa(void)
{
    EVP_PKEY *key = rsa_key();
    sign("RSA PKCS #1", key, EVP_sha256(), RSA_PKCS1_PADDING, 1);
    sign("RSA PSS", key, EVP_sha512(), RSA_PKCS1_PSS_PADDING, 0);
    EVP_PKEY_free(key);
}

/* The key and the signature of "sample" of RFC 6979, A.2.5. */
static void p256(void)
{
    unsigned char point[65] = { 4 };
    BIGNUM *x = number("60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6");
    BIGNUM *y = number("7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299");
    BIGNUM *d = number("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
    BN_bn2binpad(x, point + 1, 32);
    BN_bn2binpad(y, point + 33, 32);
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    require(OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) &&
                OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, 65) &&
                OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, d), "key");
    EVP_PKEY *key = key_from("EC", b);
    sign("ECDSA P-256", key, EVP_sha256(), 0, 0);

    ECDSA_SIG *signature = ECDSA_SIG_new();
    unsigned char *der = NULL, digest[32];
    ECDSA_SIG_set0(signature,
                   number("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"),
                   number("F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"));
    int size = i2d_ECDSA_SIG(signature, &der);
    require(size > 0 && EVP_Digest("sample", 6, digest, NULL, EVP_sha256(), NULL), "signature");
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    require(EVP_PKEY_verify_init(context) > 0, "P-256");
    int good = EVP_PKEY_verify(context, der, (size_t)size, digest, 32) == 1;
    printf("RFC 6979: %s\n", good ? "verified" : "refused");
    failures += !good;
    EVP_PKEY_CTX_free(context);
    ECDSA_SIG_free(signature);
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    BN_free(x), BN_free(y), BN_free(d);
}

static void raw(unsigned char out[32], const char *hex)
{
    BIGNUM *n = number(hex);
    require(BN_bn2binpad(n, out, 32) == 32, "number");
    BN_free(n);
}

/* RFC 7748, section 6.1: Bob's private and Alice's public key. */
static void x25519(void)
{
    unsigned char bytes[32], shared[32];
    size_t size = sizeof shared;
    raw(bytes, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    EVP_PKEY *bob = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, bytes, 32);
    raw(bytes, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    EVP_PKEY *alice = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, bytes, 32);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(bob, NULL);
    require(EVP_PKEY_derive_init(context) > 0 && EVP_PKEY_derive_set_peer(context, alice) > 0 &&
                EVP_PKEY_derive(context, shared, &size) > 0, "X25519");
    expect("X25519", shared, size,
           "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(alice);
    EVP_PKEY_free(bob);
}

static void ed25519(void)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, text, 32);
    sign("Ed25519", key, NULL, 0, 1);
    EVP_PKEY_free(key);
}

int main(void)
{
    unsigned state = 12345;
    for (int i = 0; i < TEXT; i++) {
        state = state * 1103515245 + 12345;
        text[i] = (unsigned char)(state >> 16);
    }
    hashes();
    ciphers();
    rsa();
    p256();
    x25519();
    ed25519();
    printf("%d wrong\n", failures);
    return failures != 0;
}
