/* lambda_sync(arn, payload) and lambda_async(arn, payload) as functions of a MariaDB server.
 *
 * A user-defined function is the only kind that MariaDB finds unqualified from any database. It runs on the thread of the client's
 * connection, so it may wait; each thread keeps one connection to Headwater's door (a unix socket) and closes it when it ends.
 *
 * Two things are easy to get wrong. (1) A user-defined function that reports failure the documented way (*error = 1) yields NULL and no
 * error: the INSERT that fired it would succeed and the call be lost. So failures go through the server's own my_printf_error, which the
 * server exports for its plugins; a server without it is refused when a statement is prepared, never answered with NULL. (2) Once a
 * request was sent, a broken connection says nothing about whether it was carried out: asynchronous calls are sent again (they are "at
 * least once"), synchronous ones fail.
 *
 * No MariaDB header is used: the few structures below are the part of its stable C interface for user-defined functions.
 *
 * Frame to the door:   length u32 | kind 'A' or 'S' | length of the ARN u16 | ARN | payload         (integers big-endian)
 * Frame from the door: length u32 | '=' result or '!' message
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifndef MSG_NOSIGNAL /* macOS has a socket option instead */
#define MSG_NOSIGNAL 0
#endif

enum Item_result { STRING_RESULT = 0 };

typedef struct {
  unsigned int arg_count;
  enum Item_result *arg_type;
  char **args;
  unsigned long *lengths;
  char *maybe_null;
  char **attributes;
  unsigned long *attribute_lengths;
  void *extension;
} UDF_ARGS;

typedef struct {
  char maybe_null;
  unsigned int decimals;
  unsigned long max_length;
  char *ptr;
  char const_item;
  void *extension;
} UDF_INIT;

enum {
  MESSAGE_MAX = 512,       /* what MariaDB shows of an error */
  ARN_SHOWN_MAX = 200,
  FRAME_MAX = 16 << 20,    /* larger than any payload Lambda takes */
  RECONNECT_MS = 10000,    /* how long a call waits for a door that is being opened again */
  RETRY_MS = 50,
  KILL_CHECK_MS = 500,     /* how often a waiting call looks whether its query was killed */
  QUERY_INTERRUPTED = 1317,
  LAMBDA_API_ERROR = 1873, /* the number under which Aurora reports Lambda's refusals */
};

typedef void (*report_fn)(unsigned int number, const char *format, unsigned long flags, ...);
typedef void *(*current_thd_fn)(void);
typedef int (*kill_level_fn)(const void *thd);

static report_fn report;
static current_thd_fn current_thd;
static kill_level_fn kill_level;
static pthread_key_t connection_key; /* holds descriptor + 1, so that 0 is "none" */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void close_kept(void *kept) { close((int)(intptr_t)kept - 1); }

static void set_up(void) {
  report = (report_fn)dlsym(RTLD_DEFAULT, "my_printf_error");
  current_thd = (current_thd_fn)dlsym(RTLD_DEFAULT, "_current_thd");
  kill_level = (kill_level_fn)dlsym(RTLD_DEFAULT, "thd_kill_level");
  pthread_key_create(&connection_key, close_kept);
}

static int kept(void) { return (int)(intptr_t)pthread_getspecific(connection_key) - 1; }
static void keep(int fd) { pthread_setspecific(connection_key, (void *)(intptr_t)(fd + 1)); }

static void drop(void) {
  int fd = kept();
  if (fd >= 0) close(fd);
  keep(-1);
}

static int killed(void) { return current_thd && kill_level && kill_level(current_thd()) != 0; }

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The door's socket: from the environment, else beside the data, which is a server's current directory. */
static int open_door(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const char *path = getenv("HEADWATER_LAMBDA_SOCKET");
  if (!path) path = "lambda.sock";
  if (strlen(path) >= sizeof address.sun_path) return -1;
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) return -1;
  fcntl(fd, F_SETFD, FD_CLOEXEC);
#ifdef SO_NOSIGPIPE
  int quiet = 1;
  setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &quiet, sizeof quiet);
#endif
  struct timeval look = {.tv_usec = KILL_CHECK_MS * 1000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof look);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

/* A connection, waiting a bounded time for a door that is not there (Headwater starts again). */
static int connected(void) {
  if (kept() >= 0) return kept();
  int64_t until = now_ms() + RECONNECT_MS;
  for (;;) {
    int fd = open_door();
    if (fd >= 0) {
      keep(fd);
      return fd;
    }
    if (now_ms() >= until || killed()) return -1;
    poll(NULL, 0, RETRY_MS);
  }
}

static int send_all(int fd, struct iovec *parts, int count) {
  while (count > 0) {
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return -1;
    }
    for (; count > 0 && (size_t)sent >= parts->iov_len; parts++, count--) sent -= (ssize_t)parts->iov_len;
    if (count > 0) {
      parts->iov_base = (char *)parts->iov_base + sent;
      parts->iov_len -= (size_t)sent;
    }
  }
  return 0;
}

enum { RECEIVED = 0, BROKEN = -1, KILLED = -2 };

static int receive_all(int fd, char *into, size_t length) {
  while (length > 0) {
    ssize_t got = recv(fd, into, length, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
      if (killed()) return KILLED;
      continue;
    }
    if (got <= 0) return BROKEN;
    into += got;
    length -= (size_t)got;
  }
  return RECEIVED;
}

static void put_u32(unsigned char *at, uint32_t n) { at[0] = n >> 24, at[1] = n >> 16, at[2] = n >> 8, at[3] = n; }
static uint32_t get_u32(const unsigned char *at) { return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]; }

/* Send one request and read one answer into *answer (allocated here, its first byte the status). */
static int exchange(char kind, UDF_ARGS *args, char **answer, uint32_t *length, int *sent) {
  unsigned char head[7], size[4];
  *sent = 0;
  int fd = connected();
  if (fd < 0) return killed() ? KILLED : BROKEN;
  put_u32(head, (uint32_t)(3 + args->lengths[0] + args->lengths[1]));
  head[4] = (unsigned char)kind;
  head[5] = (unsigned char)(args->lengths[0] >> 8);
  head[6] = (unsigned char)args->lengths[0];
  struct iovec parts[3] = {{head, sizeof head}, {args->args[0], args->lengths[0]}, {args->args[1], args->lengths[1]}};
  if (send_all(fd, parts, 3) < 0) return BROKEN;
  *sent = 1;
  int outcome = receive_all(fd, (char *)size, sizeof size);
  if (outcome != RECEIVED) return outcome;
  *length = get_u32(size);
  if (*length < 1 || *length > FRAME_MAX) return BROKEN;
  char *room = realloc(*answer, *length + 1);
  if (!room) return BROKEN;
  *answer = room;
  room[*length] = 0;
  return receive_all(fd, room, *length);
}

/* Ask until there is an answer, or until asking again would be wrong. */
static int ask(char kind, UDF_ARGS *args, char **answer, uint32_t *length) {
  int64_t until = now_ms() + RECONNECT_MS;
  for (;;) {
    int sent;
    int outcome = exchange(kind, args, answer, length, &sent);
    if (outcome == RECEIVED) return outcome;
    drop(); /* a late answer to this request must never be taken for the answer to the next */
    if (outcome == KILLED || (sent && kind == 'S') || now_ms() >= until) return outcome;
    poll(NULL, 0, RETRY_MS);
  }
}

static void fail(UDF_ARGS *args, const char *cause, char *is_null, char *error) {
  char arn[ARN_SHOWN_MAX + 1], message[MESSAGE_MAX];
  snprintf(arn, sizeof arn, "%.*s", args->args[0] ? (int)args->lengths[0] : 4, args->args[0] ? args->args[0] : "NULL");
  if (strstr(cause, arn))
    snprintf(message, sizeof message, "Lambda API returned error: %s", cause);
  else
    snprintf(message, sizeof message, "Lambda API returned error: %.*s (function %s)", MESSAGE_MAX - ARN_SHOWN_MAX - 50, cause, arn);
  report(LAMBDA_API_ERROR, "%s", 0, message);
  *is_null = 1;
  *error = 1;
}

static char *call(char kind, UDF_INIT *init, UDF_ARGS *args, unsigned long *length, char *is_null, char *error) {
  uint32_t got = 0;
  *is_null = 0;
  *length = 0;
  if (!args->args[0] || !args->args[1]) {
    fail(args, args->args[0] ? "the payload is NULL" : "the function's ARN is NULL", is_null, error);
    return NULL;
  }
  if (args->lengths[0] > UINT16_MAX || args->lengths[1] > FRAME_MAX - UINT16_MAX - 3) {
    fail(args, "the request is too large", is_null, error);
    return NULL;
  }
  int outcome = ask(kind, args, &init->ptr, &got);
  if (outcome == KILLED) { /* said here: the server on its own would take the NULL and go on */
    report(QUERY_INTERRUPTED, "%s", 0, "Query execution was interrupted");
    *is_null = 1;
    *error = 1;
    return NULL;
  }
  if (outcome == BROKEN) {
    fail(args, "Headwater does not answer the database", is_null, error);
    return NULL;
  }
  if (init->ptr[0] != '=') {
    fail(args, init->ptr + 1, is_null, error);
    return NULL;
  }
  *length = got - 1;
  return init->ptr + 1;
}

static char prepare(const char *name, UDF_INIT *init, UDF_ARGS *args, char *message) {
  pthread_once(&once, set_up);
  if (!report) {
    snprintf(message, MESSAGE_MAX, "%s cannot report errors in this MariaDB: my_printf_error is not exported", name);
    return 1;
  }
  if (args->arg_count != 2) {
    snprintf(message, MESSAGE_MAX, "%s takes a function's ARN and a payload", name);
    return 1;
  }
  args->arg_type[0] = args->arg_type[1] = STRING_RESULT;
  init->maybe_null = 1;
  init->const_item = 0; /* the same arguments are another call */
  init->max_length = FRAME_MAX;
  init->ptr = NULL;
  return 0;
}

char lambda_sync_init(UDF_INIT *init, UDF_ARGS *args, char *message) { return prepare("lambda_sync", init, args, message); }
char lambda_async_init(UDF_INIT *init, UDF_ARGS *args, char *message) { return prepare("lambda_async", init, args, message); }
void lambda_sync_deinit(UDF_INIT *init) { free(init->ptr); }
void lambda_async_deinit(UDF_INIT *init) { free(init->ptr); }

char *lambda_sync(UDF_INIT *init, UDF_ARGS *args, char *result, unsigned long *length, char *is_null, char *error) {
  (void)result;
  return call('S', init, args, length, is_null, error);
}

char *lambda_async(UDF_INIT *init, UDF_ARGS *args, char *result, unsigned long *length, char *is_null, char *error) {
  (void)result;
  return call('A', init, args, length, is_null, error);
}
