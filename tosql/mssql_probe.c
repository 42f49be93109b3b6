/*
 * Why a login broke off: FreeTDS says the same few words whatever was wrong
 * with TLS.  So the handshake is done once more, in TDS packets as [MS-TDS] has
 * it, by OpenSSL, which tells.  Nothing is sent but the handshake.
 */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include "file.h"
#include "mssql.h"

#define PRELOGIN	  0x12
#define HEADER		  8
#define PACKET		  4096
#define ENCRYPT_NOT_THERE 2
#define NO_ENCRYPTION	  "it offers no encryption"
#define OPTION_ENCRYPTION 1
#define OPTION_END	  0xff
#define SECONDS_TO_ANSWER 10

static int
connect_to(const char *host, int port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL, *a;
	struct timeval t = {.tv_sec = SECONDS_TO_ANSWER};
	char service[8];
	int fd = -1;

	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(host, service, &hints, &list) != 0)
		return -1;
	for (a = list; a != NULL && fd == -1; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
		if (fd == -1)
			continue;
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
		if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
			break;
		close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	return fd;
}

static int
send_packet(int fd, const unsigned char *p, size_t n)
{
	unsigned char packet[PACKET] = {PRELOGIN, 1};

	if (n > sizeof(packet) - HEADER)
		return -1;
	packet[2] = (unsigned char)((n + HEADER) >> 8);
	packet[3] = (unsigned char)(n + HEADER);
	memcpy(packet + HEADER, p, n);
	return file_write(fd, packet, n + HEADER);
}

/* A packet's content; its length, or -1. */
static int
receive_packet(int fd, unsigned char *p, size_t room)
{
	unsigned char header[HEADER];
	size_t n;

	if (recv(fd, header, sizeof(header), MSG_WAITALL) != HEADER)
		return -1;
	n = (size_t)header[2] << 8 | header[3];
	if (n < HEADER || n - HEADER > room)
		return -1;
	n -= HEADER;
	return recv(fd, p, n, MSG_WAITALL) == (ssize_t)n ? (int)n : -1;
}

/* NULL, or what the server said about encryption. */
static const char *
negotiate(int fd)
{
	/* Its version and encryption, where they stand, and what they are: on */
	static const unsigned char hello[] = {
	    0, 0, 11, 0, 6, OPTION_ENCRYPTION, 0, 17, 0, 1, OPTION_END, 0, 0, 0, 0, 0, 0, 1};
	unsigned char answer[PACKET];
	int n, i, at;

	if (send_packet(fd, hello, sizeof(hello)) == -1 ||
	    (n = receive_packet(fd, answer, sizeof(answer))) == -1)
		return ""; /* it may be starting, or be no SQL Server */
	for (i = 0; i + 5 <= n && answer[i] != OPTION_END; i += 5) {
		at = answer[i + 1] << 8 | answer[i + 2];
		if (answer[i] == OPTION_ENCRYPTION && at < n)
			return answer[at] == ENCRYPT_NOT_THERE ? NO_ENCRYPTION : NULL;
	}
	return NO_ENCRYPTION;
}

/* The handshake goes in packets.  0: done. */
static int
shake_hands(SSL *ssl, int fd, BIO *in, BIO *out)
{
	/* What TLS takes for its longest record fits. */
	static unsigned char piece[1 << 16];
	int rc, n;

	for (;;) {
		rc = SSL_do_handshake(ssl);
		while ((n = BIO_read(out, piece, PACKET - HEADER)) > 0)
			if (send_packet(fd, piece, (size_t)n) == -1)
				return -1;
		if (rc == 1)
			return 0;
		if (SSL_get_error(ssl, rc) != SSL_ERROR_WANT_READ ||
		    (n = receive_packet(fd, piece, sizeof(piece))) == -1)
			return -1;
		BIO_write(in, piece, n);
	}
}

/* The certificate's subject, and until when it is valid. */
static void
describe(struct buf *why, X509 *certificate)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p;
	long n;

	if (b == NULL)
		return;
	X509_NAME_print_ex(b, X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE);
	BIO_puts(b, ", valid until ");
	ASN1_TIME_print(b, X509_get0_notAfter(certificate));
	n = BIO_get_mem_data(b, &p);
	buf_adds(why, " (");
	buf_add(why, p, (size_t)n);
	buf_addc(why, ')');
	BIO_free(b);
}

static void
judge(SSL *ssl, struct buf *why)
{
	X509 *certificate = SSL_get_peer_certificate(ssl);
	long result = SSL_get_verify_result(ssl);

	switch (result) {
	case X509_V_OK:
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		buf_adds(why, "its certificate is for another name: give that name in Server");
		break;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		buf_adds(why, "its certificate has expired: have it renewed");
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		buf_adds(why,
		    "its certificate is of an authority that is not trusted: give that one with "
		    "--ca-file");
		break;
	default:
		buf_printf(
		    why, "its certificate is refused: %s", X509_verify_cert_error_string(result));
	}
	if (result == X509_V_OK && SSL_version(ssl) < TLS1_1_VERSION)
		buf_adds(why, "it speaks TLS 1.0 only: it needs its updates");
	if (why->n > 0 && certificate != NULL)
		describe(why, certificate);
	X509_free(certificate);
}

static void
probe(const struct link *l, SSL_CTX *ctx, int fd, struct buf *why)
{
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	SSL *ssl = SSL_new(ctx);

	if (ssl == NULL || in == NULL || out == NULL)
		return;
	/* Accept everything: the result is judged afterwards. */
	SSL_set_security_level(ssl, 0);
	SSL_set_min_proto_version(ssl, TLS1_VERSION);
	SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
	SSL_set_tlsext_host_name(ssl, l->c->host);
	if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), l->c->host) != 1)
		SSL_set1_host(ssl, l->c->host);
	SSL_set_bio(ssl, in, out);
	SSL_set_connect_state(ssl);
	if (shake_hands(ssl, fd, in, out) == -1)
		buf_adds(why, "it speaks no TLS that is known here");
	else if (!l->c->trust)
		judge(ssl, why);
	SSL_free(ssl);
}

void
link_probe(const struct link *l, int port, struct buf *why)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int fd = connect_to(l->c->host, port);
	const char *said = fd != -1 ? negotiate(fd) : NULL;

	if (said != NULL)
		buf_adds(why, said);
	else if (ctx != NULL && fd != -1 &&
	    (l->ca_file != NULL ? SSL_CTX_load_verify_locations(ctx, l->ca_file, NULL) :
				  SSL_CTX_set_default_verify_paths(ctx)) == 1)
		probe(l, ctx, fd, why);
	if (fd != -1)
		close(fd);
	SSL_CTX_free(ctx);
}
