package org.apmatrix.host.qmp;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apmatrix.Patience;

/** Notes what a monitor tells, in a word or two each. */
class Heard implements GuestMonitor.Listener {
    private final List<String> news = new CopyOnWriteArrayList<>();

    @Override
    public void connected() {
        news.add("connected");
    }

    @Override
    public void event(QmpEvent event) {
        news.add(
                event instanceof QmpEvent.DeviceDeleted deleted
                        ? "deleted " + deleted.device() + " " + deleted.path()
                        : ((QmpEvent.Other) event).name());
    }

    @Override
    public void disconnected(String reason) {
        news.add("disconnected: " + reason);
    }

    /** All so far, oldest first. */
    List<String> news() {
        return List.copyOf(news);
    }

    void until(String latest) {
        Patience.until(() -> news.contains(latest));
    }

    /** Waits until so much has been told. */
    void untilCount(int count) {
        Patience.until(() -> news.size() >= count);
    }
}
