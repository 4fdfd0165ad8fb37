// A slow file system for the lab. Every file whose name is a number is there, has a GiB of zeros, and takes a
// while to read or to sync. Other files are there when they were created; each write to them takes a while, too,
// and is kept. It speaks the kernel's FUSE protocol itself (linux/fuse.h), so it needs no library.
//
//   slow_file_system FOLDER MILLISECONDS
//
// It prints a line when the folder is mounted, and serves until it is killed. Start it in its own mount
// namespace: then nothing of it stays, whatever ends it.

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

namespace {

constexpr uint64_t FILE_SIZE = 1 << 30;
constexpr uint32_t LARGEST_WRITE = 4096;
constexpr uint64_t FOREVER_S = 1000000;

// Files with numbers have smaller ones.
constexpr uint64_t FIRST_CREATED = 1ULL << 40;

int device = -1;
std::map<std::string, uint64_t> created;
std::vector<std::string> contents;

void reply(uint64_t unique, int error, const void* body = nullptr, size_t length = 0) {
    fuse_out_header header{};
    header.len = static_cast<uint32_t>(sizeof(header) + length);
    header.error = -error;
    header.unique = unique;
    const iovec parts[] = {{&header, sizeof(header)}, {const_cast<void*>(body), length}};
    // Fails if the process that asked does not wait any more.
    (void)!writev(device, parts, length == 0 ? 1 : 2);
}

template <typename Body>
void reply(uint64_t unique, const Body& body) {
    reply(unique, 0, &body, sizeof(body));
}

bool isCreated(uint64_t node) { return node >= FIRST_CREATED; }

// Files are numbered by their names: 0 is node 2.
fuse_attr attributesOf(uint64_t node) {
    fuse_attr attributes{};
    const bool isFolder = node == FUSE_ROOT_ID;
    attributes.ino = node;
    attributes.mode = isFolder ? S_IFDIR | 0755 : S_IFREG | 0666;
    attributes.nlink = 1;
    attributes.size = isFolder ? 0 : isCreated(node) ? contents[node - FIRST_CREATED].size() : FILE_SIZE;
    attributes.blksize = 4096;
    return attributes;
}

fuse_entry_out entryOf(uint64_t node) {
    fuse_entry_out out{};
    out.nodeid = node;
    out.entry_valid = out.attr_valid = FOREVER_S;
    out.attr = attributesOf(node);
    return out;
}

void keep(uint64_t node, uint64_t offset, const char* bytes, size_t size) {
    std::string& content = contents[node - FIRST_CREATED];
    if (content.size() < offset + size) content.resize(offset + size);
    content.replace(offset, size, bytes, size);
}

// Later, while others are served.
template <typename Action>
void after(long milliseconds, Action action) {
    std::thread([=] {
        const timespec time{milliseconds / 1000, milliseconds % 1000 * 1000000};
        nanosleep(&time, nullptr);
        action();
    }).detach();
}

void serve(const fuse_in_header& header, const char* body, long milliseconds) {
    const uint64_t unique = header.unique;
    switch (header.opcode) {
        case FUSE_INIT: {
            fuse_init_out out{};
            out.major = FUSE_KERNEL_VERSION;
            // The version in which the answer has this length.
            out.minor = 31;
            out.max_readahead = 0;
            out.max_write = LARGEST_WRITE;
            out.max_background = 64;
            out.congestion_threshold = 48;
            return reply(unique, out);
        }
        case FUSE_LOOKUP: {
            if (*body >= '0' && *body <= '9') {
                return reply(unique, entryOf(strtoull(body, nullptr, 10) + 2));
            }
            const auto found = created.find(body);
            return found == created.end() ? reply(unique, ENOENT) : reply(unique, entryOf(found->second));
        }
        case FUSE_CREATE: {
            const char* name = body + sizeof(fuse_create_in);
            const auto [file, isNew] = created.try_emplace(name, FIRST_CREATED + contents.size());
            if (isNew) contents.emplace_back();
            struct {
                fuse_entry_out entry;
                fuse_open_out open;
            } out{entryOf(file->second), {}};
            return reply(unique, out);
        }
        case FUSE_GETATTR:
        case FUSE_SETATTR: {
            fuse_attr_out out{};
            out.attr_valid = FOREVER_S;
            out.attr = attributesOf(header.nodeid);
            return reply(unique, out);
        }
        case FUSE_OPEN:
            return reply(unique, fuse_open_out{});
        case FUSE_READ: {
            fuse_read_in in{};
            memcpy(&in, body, sizeof(in));
            std::string bytes(in.size, 0);
            if (isCreated(header.nodeid)) {
                const std::string& content = contents[header.nodeid - FIRST_CREATED];
                bytes = content.substr(std::min<size_t>(in.offset, content.size()), in.size);
            }
            return after(milliseconds, [unique, bytes] { reply(unique, 0, bytes.data(), bytes.size()); });
        }
        case FUSE_WRITE: {
            fuse_write_in in{};
            memcpy(&in, body, sizeof(in));
            fuse_write_out out{};
            out.size = in.size;
            if (!isCreated(header.nodeid)) return reply(unique, out);
            keep(header.nodeid, in.offset, body + sizeof(in), in.size);
            return after(milliseconds, [unique, out] { reply(unique, out); });
        }
        case FUSE_FSYNC:
            return after(milliseconds, [unique] { reply(unique, 0); });
        case FUSE_FLUSH:
        case FUSE_RELEASE:
            return reply(unique, 0);
        case FUSE_FORGET:
        case FUSE_BATCH_FORGET:
        case FUSE_INTERRUPT:
            return;
        default:
            return reply(unique, ENOSYS);
    }
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) {
        fprintf(stderr, "slow_file_system FOLDER MILLISECONDS\n");
        return 2;
    }
    const char* folder = arguments[1];
    device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (device < 0) {
        fprintf(stderr, "Cannot open /dev/fuse: %s\n", strerror(errno));
        return 1;
    }
    const std::string options = "fd=" + std::to_string(device) +
        ",rootmode=40000,user_id=0,group_id=0,allow_other";
    if (mount("slow", folder, "fuse", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
        fprintf(stderr, "Cannot mount %s: %s\n", folder, strerror(errno));
        return 1;
    }
    printf("mounted\n");
    fflush(stdout);
    std::vector<char> request(1 << 20);
    while (true) {
        const ssize_t length = read(device, request.data(), request.size());
        if (length < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN)) continue;
        if (length < static_cast<ssize_t>(sizeof(fuse_in_header))) return 0;
        fuse_in_header header{};
        memcpy(&header, request.data(), sizeof(header));
        request[length < static_cast<ssize_t>(request.size()) ? length : request.size() - 1] = 0;
        serve(header, request.data() + sizeof(header), atol(arguments[2]));
    }
}
