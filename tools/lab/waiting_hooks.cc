// A hook library for the lab that waits for a known thing in each packet whose lease is committed: the
// monitor's report is compared with what the kernel counted for the thread meanwhile.
//
// It uses nothing of Kea's, so one source serves every version: KEA_HOOKS_VERSION comes from the compiler's
// command line. In the folder that KEA_DHCP_DATA_DIR names, the file "waits" has one line:
//
//   CAUSE,CAUSE,... MILLISECONDS FOLDER
//
// Packets wait for the causes in turn: running, lock, disk, network, memory. FOLDER is one of
// slow_file_system.cc. After each wait a line is added to the file "waited": cause, and nanoseconds of real
// time, of CPU time, and in the run queue, as the kernel counts them for the thread.

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

namespace {

// More than a lab's server has.
constexpr size_t MOST_THREADS = 8;
constexpr size_t PAGE = 4096;
// A file of slow_file_system.cc.
constexpr size_t FILE_SIZE = 1 << 30;

struct Settings {
    std::vector<std::string> causes;
    long milliseconds = 0;
    std::string folder;
};

std::string folderOfServer() {
    const char* folder = getenv("KEA_DHCP_DATA_DIR");
    return folder == nullptr ? "." : folder;
}

Settings settingsIn(std::ifstream& file) {
    Settings settings;
    std::string causes;
    file >> causes >> settings.milliseconds >> settings.folder;
    std::istringstream list(causes);
    for (std::string cause; std::getline(list, cause, ',');) settings.causes.push_back(cause);
    return settings;
}

long long nanoseconds(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

// The second number of schedstat: how long the thread could run and had to wait for a CPU.
long long inRunQueue() {
    char text[128] = "";
    const int file = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    if (read(file, text, sizeof(text) - 1) < 0) text[0] = 0;
    close(file);
    long long ran = 0, waited = 0;
    sscanf(text, "%lld %lld", &ran, &waited);
    return waited;
}

void sleepFor(long milliseconds) {
    const timespec time{milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, nullptr);
}

// What one of Kea's threads waits with; each has its own, so that threads do not wait for each other.
class Waiter {
public:
    explicit Waiter(const Settings& settings) : settings_(settings) {
        static std::atomic<int> files{0};
        const std::string path = settings.folder + "/" + std::to_string(files++);
        file_ = open(path.c_str(), O_RDWR | O_CLOEXEC);
        if (file_ >= 0) {
            void* memory = mmap(nullptr, FILE_SIZE, PROT_READ, MAP_PRIVATE, file_, 0);
            if (memory != MAP_FAILED) {
                // Without it one fault reads many pages.
                madvise(memory, FILE_SIZE, MADV_RANDOM);
                memory_ = static_cast<volatile char*>(memory);
            }
        }
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets_) != 0) abort();
        std::thread([this] { hold(); }).detach();
        std::thread([this] { answer(); }).detach();
    }

    void wait(const std::string& cause) {
        if (cause == "running") burn();
        if (cause == "lock") takeLock();
        if (cause == "disk") writeAndSync();
        if (cause == "network") ask();
        if (cause == "memory") touch();
    }

private:
    void burn() const {
        const auto end = nanoseconds(CLOCK_THREAD_CPUTIME_ID) + settings_.milliseconds * 1000000LL;
        while (nanoseconds(CLOCK_THREAD_CPUTIME_ID) < end) {
        }
    }

    void takeLock() {
        {
            std::unique_lock<std::mutex> lock(turn_);
            isAsked_ = true;
            changed_.notify_all();
            changed_.wait(lock, [this] { return isHeld_; });
            isHeld_ = false;
        }
        std::lock_guard<std::mutex> lock(held_);
    }

    // The other thread, which has the lock for a while whenever it is asked to.
    void hold() {
        while (true) {
            std::unique_lock<std::mutex> lock(turn_);
            changed_.wait(lock, [this] { return isAsked_; });
            isAsked_ = false;
            std::lock_guard<std::mutex> holding(held_);
            isHeld_ = true;
            changed_.notify_all();
            lock.unlock();
            sleepFor(settings_.milliseconds);
        }
    }

    void writeAndSync() const {
        if (pwrite(file_, "x", 1, 0) != 1 || fsync(file_) != 0) abort();
    }

    void ask() const {
        char byte = 'x';
        if (send(sockets_[0], &byte, 1, 0) != 1 || recv(sockets_[0], &byte, 1, 0) != 1) abort();
    }

    // The other end of the socket, which answers late.
    void answer() const {
        char byte = 0;
        while (recv(sockets_[1], &byte, 1, 0) == 1) {
            sleepFor(settings_.milliseconds);
            if (send(sockets_[1], &byte, 1, 0) != 1) return;
        }
    }

    // Each time another page, which is not in memory yet.
    void touch() {
        if (memory_ == nullptr) abort();
        page_ = (page_ + 1) % (FILE_SIZE / PAGE);
        (void)memory_[page_ * PAGE];
    }

    const Settings& settings_;
    int file_ = -1;
    volatile char* memory_ = nullptr;
    size_t page_ = 0;
    int sockets_[2] = {-1, -1};
    std::mutex turn_, held_;
    std::condition_variable changed_;
    bool isAsked_ = false, isHeld_ = false;
};

// What is made before the first packet, so that no packet waits for that.
struct Prepared {
    Settings settings;
    std::vector<Waiter*> waiters;
    int log = -1;
};

std::atomic<const Prepared*> prepared{nullptr};

// The test writes the file after the server has started. When "waited" is there, all is prepared.
void prepare() {
    while (true) {
        std::ifstream file(folderOfServer() + "/waits");
        if (file) {
            auto* made = new Prepared{settingsIn(file), {}, -1};
            for (size_t thread = 0; thread < MOST_THREADS; thread++) {
                made->waiters.push_back(new Waiter(made->settings));
            }
            made->log = open((folderOfServer() + "/waited").c_str(),
                             O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
            prepared = made;
            return;
        }
        sleepFor(20);
    }
}

int committed() {
    static std::atomic<size_t> packets{0}, threads{0};
    const Prepared* now = prepared;
    if (now == nullptr) return 0;
    thread_local Waiter* waiter = now->waiters[threads++ % MOST_THREADS];
    const auto& causes = now->settings.causes;
    const std::string& cause = causes[packets++ % causes.size()];
    const auto queued = inRunQueue();
    const auto cpu = nanoseconds(CLOCK_THREAD_CPUTIME_ID);
    const auto start = nanoseconds(CLOCK_MONOTONIC);
    waiter->wait(cause);
    const auto real = nanoseconds(CLOCK_MONOTONIC) - start;
    const auto ran = nanoseconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
    dprintf(now->log, "%s %lld %lld %lld\n", cause.c_str(), real, ran, inRunQueue() - queued);
    return 0;
}

}  // namespace

extern "C" {

int version() { return KEA_HOOKS_VERSION; }
int multi_threading_compatible() { return 1; }
// Its arguments are Kea's handles, which it does not use. Its threads go on until the server ends, so it is
// linked never to be unloaded.
int load(void*) {
    std::thread(prepare).detach();
    return 0;
}
int unload() { return 0; }
int leases4_committed(void*) { return committed(); }
int leases6_committed(void*) { return committed(); }

}
