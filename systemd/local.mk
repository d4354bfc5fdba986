# Units, the service's user and its folder. The services name the installed programs, so they are made of templates.
systemdsystemunit_DATA = systemd/taskd.service systemd/taskd.socket
systemduserunit_DATA = systemd/user/taskd.service systemd/user/taskd.socket
unit_templates = systemd/taskd.service.in systemd/user/taskd.service.in
EXTRA_DIST += $(unit_templates) systemd/taskd.socket systemd/user/taskd.socket \
	systemd/taskd.sysusers systemd/taskd.tmpfiles
dist_doc_DATA = systemd/taskd.conf.example systemd/taskd-as-root.conf.example
CLEANFILES += $(unit_templates:.in=)

# Installed under another name.
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)' '$(DESTDIR)$(tmpfilesdir)'
	$(INSTALL_DATA) $(srcdir)/systemd/taskd.sysusers '$(DESTDIR)$(sysusersdir)/taskd.conf'
	$(INSTALL_DATA) $(srcdir)/systemd/taskd.tmpfiles '$(DESTDIR)$(tmpfilesdir)/taskd.conf'
uninstall-local:
	rm -f '$(DESTDIR)$(sysusersdir)/taskd.conf' '$(DESTDIR)$(tmpfilesdir)/taskd.conf'
