/* Threads: clone, futexes, thread-local storage, mutexes, condition variables, signals to one. */
/* libc: both */
/* flags: -pthread */
#include "guest.h"
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#define THREADS 4
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static long counter, queue[16], head, tail, consumed;
static _Thread_local long own;
static atomic_long atomic_counter;
static sem_t semaphore;
static pthread_barrier_t barrier;
static volatile sig_atomic_t signals;

static void *count(void *argument)
{
    own = (long)argument;
    for (int i = 0; i < 20000; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        pthread_mutex_unlock(&mutex);
        atomic_fetch_add(&atomic_counter, own);
    }
    return (void *)(own * 10);
}

static void *produce(void *argument)
{
    for (long i = 1; i <= 500; i++) {
        pthread_mutex_lock(&mutex);
        while (head - tail == 16)
            pthread_cond_wait(&condition, &mutex);
        queue[head++ % 16] = i;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
    }
    return argument;
}

static void *consume(void *argument)
{
    for (int i = 0; i < 500; i++) {
        pthread_mutex_lock(&mutex);
        while (head == tail)
            pthread_cond_wait(&condition, &mutex);
        consumed += queue[tail++ % 16];
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
    }
    return argument;
}

static void *meet(void *argument)
{
    sem_post(&semaphore);
    int last = pthread_barrier_wait(&barrier);
    return last == PTHREAD_BARRIER_SERIAL_THREAD ? (void *)1 : (void *)((long)argument * 0);
}

static void on_signal(int signo) { (void)signo, signals++; }

static void *sleep_interrupted(void *argument)
{
    sem_post(&semaphore);
    while (!signals)
        usleep(1000);
    return argument;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int initialised;
static void initialise(void) { initialised++; }
static pthread_key_t key;
static int destroyed;
static void destroy(void *value) { destroyed += (int)(long)value; }
static void *with_key(void *argument)
{
    pthread_once(&once, initialise);
    pthread_setspecific(key, argument);
    return NULL;
}

static void *wait_forever(void *argument)
{
    for (;;)
        pause();
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    void *result;
    long sum = 0;
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, count, (void *)(i + 1));
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &result);
        sum += (long)result;
    }
    printf("counter %ld atomic %ld results %ld own %ld\n", counter, (long)atomic_counter, sum, own);

    pthread_create(&threads[0], NULL, produce, NULL);
    pthread_create(&threads[1], NULL, consume, NULL);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    printf("consumed %ld\n", consumed);

    sem_init(&semaphore, 0, 0);
    pthread_barrier_init(&barrier, NULL, THREADS);
    long serial = 0;
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, meet, (void *)i);
    for (int i = 0; i < THREADS; i++) {
        sem_wait(&semaphore);
        pthread_join(threads[i], &result);
        serial += (long)result;
    }
    printf("serial threads %ld\n", serial);

    signal(SIGUSR1, on_signal);
    pthread_create(&threads[0], NULL, sleep_interrupted, NULL);
    sem_wait(&semaphore);
    pthread_kill(threads[0], SIGUSR1);
    pthread_join(threads[0], NULL);
    printf("signals %d\n", (int)signals);

    pthread_key_create(&key, destroy);
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, with_key, (void *)(i + 1));
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("once %d destroyed %d\n", initialised, destroyed);

    struct timespec past = { 1, 0 };
    pthread_mutex_lock(&mutex);
    printf("timed wait %d\n", pthread_cond_timedwait(&condition, &mutex, &past));
    printf("trylock %d\n", pthread_mutex_trylock(&mutex));
    pthread_mutex_unlock(&mutex);

    /* exit_group ends every thread */
    fflush(stdout);
    pid_t child = fork();
    if (!child) {
        pthread_create(&threads[0], NULL, wait_forever, NULL);
        exit(3);
    }
    int status;
    waitpid(child, &status, 0);
    show_status("process with threads", status);
    return 0;
}
