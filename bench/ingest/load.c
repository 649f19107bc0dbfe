/* Sends signed webhooks to one server on the loopback interface and prints one JSON object with what came back.
 *
 *   load PORT CONNECTIONS SECONDS RATE BODY SIGNATURE
 *
 * One thread, one epoll. BODY is a file; SIGNATURE is that of its bytes, so nothing is computed while the clock runs. Every
 * request has an X-GitHub-Delivery of its own.
 *
 * RATE 0 is the closed loop: each connection sends again as soon as it has been answered. Any other RATE is the open loop:
 * request i is due at start + i/RATE whatever the server does; it waits for a free connection if there is none, and its
 * latency counts from when it was due, so that a server that stalls pays for everybody who came meanwhile.
 *
 * "lag" is how late the generator itself was for a request that was due and had a free connection: where that is not small
 * against the latencies, the machine was too busy to measure them. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_BYTES 65536
#define PATIENCE_NS (30 * 1000000000LL) /* for answers that are still due at the end */

struct connection {
    int fd; /* -1: not connected */
    bool busy;
    int64_t since; /* when the request was due (open loop) or sent (closed loop) */
    char head[512];
    size_t head_length, sent, got;
    char answer[ANSWER_BYTES];
};

/* Numbers that grow by one per request. */
struct samples {
    uint32_t *microseconds;
    size_t count, room;
};

static uint16_t port;
static const char *signature;
static char *body;
static size_t body_length;
static int poller;
static struct connection *connections, **idle; /* idle: a ring, so that every connection gets its turn */
static size_t width, idle_first, idle_count;
static int64_t free_since; /* when the ring was last empty no more */
static struct samples latencies, lags;
static uint64_t sent_count, answered, statuses[600], broken, reconnects, stamp;
static int64_t last_answer;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void note(struct samples *all, int64_t nanoseconds) {
    if (all->count == all->room) {
        all->room = all->room ? 2 * all->room : 1 << 16;
        all->microseconds = realloc(all->microseconds, all->room * sizeof *all->microseconds);
        if (!all->microseconds) fail("memory");
    }
    int64_t microseconds = nanoseconds < 0 ? 0 : nanoseconds / 1000;
    all->microseconds[all->count++] = microseconds > UINT32_MAX ? UINT32_MAX : (uint32_t)microseconds;
}

static void watch(struct connection *c, bool writing) {
    struct epoll_event event = {.events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event) != 0) fail("epoll_ctl");
}

static bool open_connection(struct connection *c) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0) fail("socket");
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(c->fd);
        c->fd = -1;
        return false;
    }
    int on = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event) != 0) fail("epoll_ctl");
    return true;
}

static void release(struct connection *c) {
    c->busy = false;
    if (idle_count == 0) free_since = now();
    idle[(idle_first + idle_count++) % width] = c;
}

static struct connection *take(void) {
    struct connection *c = idle[idle_first];
    idle_first = (idle_first + 1) % width;
    idle_count--;
    return c;
}

/* The server has closed it, or does not make sense: what was on its way counts as broken. */
static void drop(struct connection *c) {
    close(c->fd);
    c->fd = -1;
    reconnects++;
    if (c->busy) {
        broken++;
        release(c);
    }
}

static void push(struct connection *c) {
    while (c->sent < c->head_length + body_length) {
        struct iovec parts[2];
        int count = 0;
        size_t in_body = 0;
        if (c->sent < c->head_length)
            parts[count++] = (struct iovec){c->head + c->sent, c->head_length - c->sent};
        else
            in_body = c->sent - c->head_length;
        parts[count++] = (struct iovec){body + in_body, body_length - in_body};
        ssize_t written = writev(c->fd, parts, count);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && errno == EAGAIN) return watch(c, true);
        if (written < 0) return drop(c);
        c->sent += (size_t)written;
    }
}

static void begin(struct connection *c, int64_t since) {
    c->busy = true;
    c->since = since;
    c->sent = c->got = 0;
    uint64_t number = ++sent_count;
    c->head_length = (size_t)snprintf(
        c->head, sizeof c->head,
        "POST /webhooks/github HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: GitHub-Hookshot/load\r\nAccept: */*\r\n"
        "Content-Type: application/json\r\nContent-Length: %zu\r\nX-GitHub-Event: workflow_run\r\n"
        "X-GitHub-Delivery: %08x-%04x-4%03x-8%03x-%012" PRIx64 "\r\nX-Hub-Signature-256: %s\r\n\r\n",
        port, body_length, (unsigned)(stamp >> 32), (unsigned)(stamp >> 16 & 0xffff), (unsigned)(stamp >> 4 & 0xfff),
        (unsigned)(stamp & 0xf), number, signature);
    if (c->fd < 0 && !open_connection(c)) {
        broken++;
        return release(c);
    }
    push(c);
}

/* The length of the complete answer at the start of the buffer, or 0 when more has to come. */
static size_t complete(struct connection *c, int *status, bool *closes) {
    c->answer[c->got] = 0;
    char *end = strstr(c->answer, "\r\n\r\n");
    if (!end || c->got < 12) return 0;
    *status = atoi(c->answer + 9);
    size_t head = (size_t)(end - c->answer) + 4, length = 0;
    bool chunked = false;
    *closes = false;
    for (char *line = c->answer; line < end; line = strstr(line, "\r\n") + 2) {
        if (!strncasecmp(line, "content-length:", 15)) length = strtoul(line + 15, NULL, 10);
        if (!strncasecmp(line, "transfer-encoding: chunked", 26)) chunked = true;
        if (!strncasecmp(line, "connection: close", 17)) *closes = true;
    }
    if (chunked) {
        if (!strncmp(c->answer + head, "0\r\n\r\n", 5)) return head + 5;
        char *last = strstr(c->answer + head, "\r\n0\r\n\r\n");
        return last ? (size_t)(last - c->answer) + 7 : 0;
    }
    return c->got >= head + length ? head + length : 0;
}

static void pull(struct connection *c) {
    for (;;) {
        ssize_t got = read(c->fd, c->answer + c->got, ANSWER_BYTES - 1 - c->got);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0 || !c->busy) return drop(c);
        c->got += (size_t)got;
        int status = 0;
        bool closes = false;
        if (!complete(c, &status, &closes)) {
            if (c->got == ANSWER_BYTES - 1) return drop(c);
            continue;
        }
        last_answer = now();
        note(&latencies, last_answer - c->since);
        answered++;
        statuses[status > 0 && status < 600 ? status : 0]++;
        release(c);
        if (closes || c->sent < c->head_length + body_length) drop(c);
        return;
    }
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print_samples(const char *name, struct samples *all) {
    static const double parts[] = {0.5, 0.9, 0.99, 0.999, 1};
    static const char *names[] = {"p50", "p90", "p99", "p999", "max"};
    qsort(all->microseconds, all->count, sizeof *all->microseconds, by_size);
    printf(", \"%s_ms\": {", name);
    for (int i = 0; all->count && i < 5; i++) {
        size_t rank = (size_t)(parts[i] * (double)all->count + 0.999999);
        if (rank > all->count) rank = all->count;
        printf("%s\"%s\": %.3f", i ? ", " : "", names[i], all->microseconds[rank ? rank - 1 : 0] / 1000.0);
    }
    printf("}");
}

int main(int count, char **words) {
    if (count != 7) {
        fprintf(stderr, "usage: load PORT CONNECTIONS SECONDS RATE BODY SIGNATURE\n");
        return 2;
    }
    port = (uint16_t)atoi(words[1]);
    width = strtoul(words[2], NULL, 10);
    double seconds = atof(words[3]), rate = atof(words[4]);
    FILE *file = fopen(words[5], "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) fail(words[5]);
    body_length = (size_t)ftell(file);
    rewind(file);
    body = malloc(body_length);
    if (!body || fread(body, 1, body_length, file) != body_length) fail(words[5]);
    signature = words[6];
    if (getrandom(&stamp, sizeof stamp, 0) != sizeof stamp) fail("getrandom");
    prctl(PR_SET_TIMERSLACK, 1);

    connections = calloc(width, sizeof *connections);
    idle = calloc(width, sizeof(struct connection *));
    poller = epoll_create1(EPOLL_CLOEXEC);
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (!connections || !idle || poller < 0 || timer < 0) fail("start");
    for (size_t i = 0; i < width; i++) {
        if (!open_connection(&connections[i])) fail("connect");
        release(&connections[i]);
    }
    struct epoll_event alarm = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, timer, &alarm) != 0) fail("epoll_ctl");

    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    int64_t start = now(), end = start + (int64_t)(seconds * 1e9), armed = 0;
    uint64_t planned = rate > 0 ? (uint64_t)(seconds * rate) : UINT64_MAX;
    last_answer = start;
    for (;;) {
        int64_t at = now();
        bool over = rate > 0 ? sent_count == planned : at >= end;
        if ((over && idle_count == width) || at > end + PATIENCE_NS) break;
        int64_t next = over ? end + PATIENCE_NS : end;
        /* A round at most: connections that break at once must not keep the loop from looking at the clock. */
        for (size_t left = idle_count; left > 0 && !over; left--) {
            if (rate > 0) {
                int64_t due = start + (int64_t)((double)sent_count * 1e9 / rate);
                at = now();
                if (due > at) break;
                note(&lags, at - (due > free_since ? due : free_since));
                begin(take(), due);
                over = sent_count == planned;
            } else {
                begin(take(), now());
            }
        }
        if (rate > 0 && !over) {
            if (idle_count) next = start + (int64_t)((double)sent_count * 1e9 / rate);
            else next = end + PATIENCE_NS;
        }
        if (next != armed) {
            struct itimerspec when = {.it_value = {next / 1000000000LL, next % 1000000000LL}};
            timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
            armed = next;
        }
        struct epoll_event events[256];
        int ready = epoll_wait(poller, events, 256, -1);
        if (ready < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (!c) {
                uint64_t ticks;
                if (read(timer, &ticks, sizeof ticks) > 0) armed = 0;
                continue;
            }
            if (c->fd >= 0 && events[i].events & EPOLLOUT) {
                watch(c, false);
                push(c);
            }
            if (c->fd >= 0 && events[i].events & ~(uint32_t)EPOLLOUT) pull(c);
        }
    }
    getrusage(RUSAGE_SELF, &after);

    /* What was never answered waited at least until now. */
    uint64_t unanswered = 0;
    int64_t gave_up = now();
    for (size_t i = 0; i < width; i++)
        if (connections[i].busy) {
            unanswered++;
            note(&latencies, gave_up - connections[i].since);
        }
    for (uint64_t i = sent_count; rate > 0 && i < planned; i++, unanswered++)
        note(&latencies, gave_up - start - (int64_t)((double)i * 1e9 / rate));
    double cpu = 0;
    cpu += (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec);
    cpu += (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1e6;
    printf("{\"sent\": %" PRIu64 ", \"answered\": %" PRIu64 ", \"unanswered\": %" PRIu64 ", \"broken\": %" PRIu64
           ", \"reconnects\": %" PRIu64 ", \"seconds\": %.6f, \"cpu_seconds\": %.3f, \"statuses\": {",
           sent_count, answered, unanswered, broken, reconnects, (double)(last_answer - start) / 1e9, cpu);
    for (int i = 0, first = 1; i < 600; i++)
        if (statuses[i]) {
            printf("%s\"%d\": %" PRIu64, first ? "" : ", ", i, statuses[i]);
            first = 0;
        }
    printf("}");
    print_samples("latency", &latencies);
    print_samples("lag", &lags);
    printf("}\n");
    return 0;
}
